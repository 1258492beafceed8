import { ConnectorError } from '../runtime/connector-error.ts'
import type { AnswerNode } from './answer-node.ts'
import type { OutputFormat } from './client-source.ts'
import { decodeJson } from './decode-json.ts'
import { type DecodeSettings, decodeXml } from './decode-xml.ts'

/** The format that a text is in by its first sign; undefined: neither XML nor JSON. */
export function formatOf(text: string): OutputFormat | undefined {
  const first = /^\s*([<{["])/.exec(text)?.[1]
  if (first === undefined) return undefined
  return first === '<' ? 'xml' : 'json'
}

/** The document in a text of either format. Throws `source.answer-not-a-page` for plain or no text, else what the decoders throw. */
export function decodeAnswer(text: string, settings: DecodeSettings): AnswerNode {
  switch (formatOf(text)) {
    case 'xml':
      return decodeXml(text, settings)
    case 'json':
      return decodeJson(text, settings)
    default:
      throw new ConnectorError(
        'source.answer-not-a-page',
        text.trim() === '' ? 'decode answer: an empty body' : 'decode answer: plain text',
      )
  }
}
