import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import { type AnswerDocument, AnswerNode, isListOfValues, type Value } from './answer-node.ts'
import { withoutForbiddenCharacters } from './decode-text.ts'
import { decodeXml } from './decode-xml.ts'
import { limitJson, replacedCounter } from './page-limits.ts'

/** Tells the format of a text by its first character; undefined if it is neither XML nor JSON. */
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

/**
 * Decodes JSON. Numbers keep their original text. Throws `source.answer-too-large` beyond the limits of a page, or else
 * `source.answer-malformed`. Messages never contain content.
 */
export function decodeJson(text: string): AnswerDocument {
  const { count, total } = replacedCounter()
  const value = parse(limitJson(text))
  const mayBe = rareMarks.some((mark) => text.includes(mark)) && mayBeForbidden.test(text)
  const root = new AnswerNode('', mayBe ? withoutForbiddenIn(value, count) : value)
  return { root, replacedCharacters: total() }
}

/** Characters that XML forbids are escaped in JSON, but for two. */
const rareMarks = ['\\', '\ufffe', '\uffff']
const mayBeForbidden = /\\(?:[bf]|u(?:00[01]|[dD][89a-fA-F]|[fF]{3}[efEF]))|[\ufffe\uffff]/

function withoutForbiddenIn(value: Value, count: () => void): Value {
  if (typeof value === 'string') return withoutForbiddenCharacters(value, count)
  if (value === null || typeof value !== 'object') return value
  if (isListOfValues(value)) return value.map((item) => withoutForbiddenIn(item, count))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      withoutForbiddenCharacters(name, count),
      withoutForbiddenIn(field, count),
    ]),
  )
}

function parse(text: string): Value {
  try {
    return JSON.parse(text)
  } catch {
    // The message of the original error may quote the document.
    throw new ConnectorError('source.answer-malformed', `decode json: ${text.length} characters are not valid JSON`)
  }
}
