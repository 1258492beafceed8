import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import type { AnswerDocument } from './answer-node.ts'
import { decodeJson } from './decode-json.ts'
import { decodeXml } from './decode-xml.ts'

/** The format of a text by its first character; undefined if it is neither XML nor JSON. */
export function formatOf(text: string): OutputFormat | undefined {
  const first = text.trimStart()[0] ?? ''
  if (first === '<') return 'xml'
  return '{["'.includes(first) && first !== '' ? 'json' : undefined
}

/**
 * Decodes a document of either format. Throws `source.answer-malformed` for anything else, or what `decodeXml` and
 * `decodeJson` throw.
 */
export function decodeAnswer(text: string): AnswerDocument {
  const format = formatOf(text)
  if (format === undefined) {
    const why = text.trim() === '' ? 'the body is empty' : 'the body is neither XML nor JSON'
    throw new ConnectorError('source.answer-malformed', `decode response: ${why}`)
  }
  return format === 'xml' ? decodeXml(text) : decodeJson(text)
}
