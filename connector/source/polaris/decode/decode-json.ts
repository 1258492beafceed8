import { ConnectorError } from '../../../runtime/connector-error.ts'
import { type AnswerDocument, type AnswerNode, noChildren } from './answer-node.ts'
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
  const root = new JsonNode('', mayBe ? allowedIn(value, count) : value)
  return { root, replacedCharacters: replaced() }
}

/** Characters that XML forbids are escaped in JSON, but for two. */
const rareMarks = ['\\', '\ufffe', '\uffff']
const mayBeForbidden = /\\(?:[bf]|u(?:00[01]|[dD][89a-fA-F]|[fF]{3}[efEF]))|[\ufffe\uffff]/

type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)

function allowedIn(value: JsonValue, count: () => void): JsonValue {
  if (typeof value === 'string') return withoutForbidden(value, count)
  if (value === null || typeof value !== 'object') return value
  if (isList(value)) return value.map((item) => allowedIn(item, count))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [withoutForbidden(name, count), allowedIn(field, count)]),
  )
}

/** Creates its children at each read: keeping all nodes of a page costs as much garbage collection as parsing it. */
class JsonNode implements AnswerNode {
  readonly name: string
  readonly kind: AnswerNode['kind']
  readonly text: string
  readonly #value: JsonValue

  constructor(name: string, value: JsonValue) {
    const isLeaf = typeof value !== 'object'
    this.name = name
    this.kind = value === null ? 'absent' : isLeaf ? 'text' : isList(value) ? 'list' : 'object'
    this.text = isLeaf ? String(value) : ''
    this.#value = value
  }

  get children(): readonly AnswerNode[] {
    const value = this.#value
    if (value === null || typeof value !== 'object') return noChildren
    if (isList(value)) return value.map((item) => new JsonNode(this.name, item))
    const fields = value as { readonly [name: string]: JsonValue }
    return Object.keys(fields).map((name) => new JsonNode(name, fields[name] ?? null))
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    // The message of the original error may quote the document.
    throw new ConnectorError('source.answer-malformed', `decode json: ${text.length} characters are not valid JSON`)
  }
}
