import { ConnectorError } from '../../../../runtime/connector-error.ts'
import type { ClientRecord } from '../../../client-source.ts'
import type { AnswerNode, AnswerRoot } from '../answer-node.ts'
import type { DecodeSettings } from '../decode-xml.ts'
import { isJsonObject, type JsonContext, type JsonObject, type JsonValue, jsonRecord } from './json-record.ts'
import { scanJson } from './json-scan.ts'

/**
 * Decodes a whole JSON document in UTF-8, in steps; changes the body. Numbers keep their original text. Throws
 * `source.answer-truncated` if the document ends early, `source.answer-too-large` beyond the limits of a page, or else
 * `source.answer-malformed`. Messages never contain content.
 */
export function* decodeJson(body: Buffer, { shape, timeZone }: DecodeSettings): Generator<void, AnswerRoot> {
  const { text, replacedCharacters } = yield* scanJson(body)
  yield
  const value = parse(text)
  yield
  const context = { shape: shape.hasListsBelow ? shape : undefined, timeZone }
  return Object.assign(new JsonNode('', value, context), { replacedCharacters })
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
/** A class, since a page can have tens of thousands of nodes: an object with functions of its own takes much longer. */
class JsonNode implements AnswerNode {
  readonly name: string
  readonly kind: AnswerNode['kind']
  readonly #value: JsonValue
  readonly #context: JsonContext
  #children: readonly AnswerNode[] | undefined

  constructor(name: string, value: JsonValue, context: JsonContext) {
    this.name = name
    this.kind = kindOf(value)
    this.#value = value
    this.#context = context
  }

  text(): string {
    return this.kind === 'text' ? String(this.#value) : ''
  }

  children(): readonly AnswerNode[] {
    this.#children ??= childrenOf(this.name, this.#value, this.#context)
    return this.#children
  }

  client(): ClientRecord {
    return isJsonObject(this.#value) ? jsonRecord(this.#value, this.#context) : {}
  }
}

function kindOf(value: JsonValue): AnswerNode['kind'] {
  if (value === null) return 'absent'
  if (typeof value !== 'object') return 'text'
  return Array.isArray(value) ? 'list' : 'object'
}

function childrenOf(name: string, value: JsonValue, context: JsonContext): readonly AnswerNode[] {
  if (value === null || typeof value !== 'object') return []
  if (Array.isArray(value)) return value.map((item: JsonValue) => new JsonNode(name, item, context))
  return Object.entries(value as JsonObject).map(([key, field]) => new JsonNode(key, field, context))
}
