import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type AnswerDocument, type AnswerNode, noChildren } from './answer-node.ts'
import { withoutForbidden } from './decode-text.ts'
import { limitJson, replacedCounter } from './page-limits.ts'

/**
 * Decodes JSON. Numbers keep their original text. Throws `source.answer-too-large` beyond the limits of a page,
 * `source.answer-truncated` if the document ends early, or else `source.answer-malformed`. Messages never contain content.
 */
export function decodeJson(text: string): AnswerDocument {
  const { count, replaced } = replacedCounter()
  const clean = mayHaveForbidden.test(text) ? (part: string) => withoutForbidden(part, count) : (part: string) => part
  const root = nodeOf('', parse(limitJson(text)), clean)
  return { root, replacedCharacters: replaced() }
}

/** As escapes, or U+FFFE and U+FFFF as they are; other characters that XML forbids are not valid in JSON. */
const mayHaveForbidden = /\\[ubf]|[\ufffe\uffff]/

type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)

/** Hot path. */
function nodeOf(name: string, value: JsonValue, clean: (part: string) => string): AnswerNode {
  if (typeof value === 'string') return { name, kind: 'text', text: clean(value), children: noChildren }
  if (value === null) return { name, kind: 'absent', text: '', children: noChildren }
  if (typeof value !== 'object') return { name, kind: 'text', text: String(value), children: noChildren }
  const children: AnswerNode[] = []
  if (isList(value)) for (const item of value) children.push(nodeOf(name, item, clean))
  else for (const key in value) children.push(nodeOf(clean(key), value[key] ?? null, clean))
  return { name, kind: isList(value) ? 'list' : 'object', text: '', children }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch (error) {
    const size = `${text.length} characters`
    throw failsAtEnd(error, text.length)
      ? new ConnectorError('source.answer-truncated', `decode json: the document ends early, after ${size}`)
      : new ConnectorError('source.answer-malformed', `decode json: ${size} are not valid JSON`)
  }
}

/** V8 names the place of the error only in its message, which may quote the document. */
function failsAtEnd(error: unknown, length: number): boolean {
  if (!(error instanceof SyntaxError)) return false
  const place = / in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(error.message)?.[1]
  return place === undefined ? error.message === 'Unexpected end of JSON input' : Number(place) >= length
}
