import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type AnswerDocument, isList, type Value, ValueNode } from './answer-node.ts'
import { withoutForbidden } from './decode-text.ts'
import { limitJson, replacedCounter } from './page-limits.ts'

/**
 * Decodes JSON. Numbers keep their original text. Throws `source.answer-too-large` beyond the limits of a page, or else
 * `source.answer-malformed`. Messages never contain content.
 */
export function decodeJson(text: string): AnswerDocument {
  const { count, replaced } = replacedCounter()
  const value = parse(limitJson(text))
  const mayBe = rareMarks.some((mark) => text.includes(mark)) && mayBeForbidden.test(text)
  const root = new ValueNode('', mayBe ? allowedIn(value, count) : value)
  return { root, replacedCharacters: replaced() }
}

/** Characters that XML forbids are escaped in JSON, but for two. */
const rareMarks = ['\\', '\ufffe', '\uffff']
const mayBeForbidden = /\\(?:[bf]|u(?:00[01]|[dD][89a-fA-F]|[fF]{3}[efEF]))|[\ufffe\uffff]/

function allowedIn(value: Value, count: () => void): Value {
  if (typeof value === 'string') return withoutForbidden(value, count)
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map((item) => allowedIn(item, count))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [withoutForbidden(name, count), allowedIn(field, count)]),
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
