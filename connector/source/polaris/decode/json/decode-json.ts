import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { type ClientRecord, type ClientValue, recordOf } from '../../../client-source.ts'
import type { AnswerNode, AnswerRoot } from '../answer-node.ts'
import type { DecodeSettings } from '../decode-xml.ts'
import { normaliseText } from '../normalise-value.ts'
import { scanJson } from './json-scan.ts'

/**
 * Decodes a whole JSON document in UTF-8, in steps; changes the body. Numbers keep their original text. Throws
 * `source.answer-truncated` if the document ends early, `source.answer-too-large` beyond the limits of a page, or else
 * `source.answer-malformed`. Messages never contain content.
 */
export function* decodeJson(body: Buffer, { timeZone }: DecodeSettings): Generator<void, AnswerRoot> {
  const { text, replacedCharacters } = yield* scanJson(body)
  yield
  const value = parse(text)
  yield
  return Object.assign(new JsonNode('', value, timeZone), { replacedCharacters })
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
  readonly #timeZone: string
  #children: readonly AnswerNode[] | undefined

  constructor(name: string, value: JsonValue, timeZone: string) {
    this.name = name
    this.kind = kindOf(value)
    this.#value = value
    this.#timeZone = timeZone
  }

  text(): string {
    return this.kind === 'text' ? String(this.#value) : ''
  }

  allText(): string {
    if (this.kind === 'text') return this.text()
    return this.children()
      .map((child) => child.allText())
      .join('\n')
  }

  children(): readonly AnswerNode[] {
    this.#children ??= childrenOf(this.name, this.#value, this.#timeZone)
    return this.#children
  }

  client(): ClientRecord {
    return isJsonObject(this.#value) ? jsonRecord(this.#value, this.#timeZone) : {}
  }
}

function kindOf(value: JsonValue): AnswerNode['kind'] {
  if (value === null) return 'absent'
  if (typeof value !== 'object') return 'text'
  return Array.isArray(value) ? 'list' : 'object'
}

function childrenOf(name: string, value: JsonValue, timeZone: string): readonly AnswerNode[] {
  if (value === null || typeof value !== 'object') return []
  if (Array.isArray(value)) return value.map((item: JsonValue) => new JsonNode(name, item, timeZone))
  return Object.entries(value as JsonObject).map(([key, field]) => new JsonNode(key, field, timeZone))
}

/** A result of `JSON.parse`. Contains a number only if `String` returns its original text. */
type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
interface JsonObject {
  readonly [name: string]: JsonValue
}

function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isJsonList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)

/** Converts an object to a record: leaves keep their text; `null` and the minimum date are left out. Hot path. */
function jsonRecord(object: JsonObject, timeZone: string): ClientRecord {
  const fields: [string, ClientValue][] = []
  for (const name in object) {
    const value = valueIn(object[name] ?? null, timeZone)
    if (value !== undefined && !isSerializerMetadata(name)) fields.push([name, value])
  }
  return recordOf(fields)
}

/** Fields that .NET serializers add. In XML these are attributes, which are ignored too. */
function isSerializerMetadata(name: string): boolean {
  const first = name.charCodeAt(0)
  return (first === 0x5f && name === '__type') || (first === 0x24 && (name === '$type' || name === '$id'))
}

function valueIn(value: JsonValue, timeZone: string): ClientValue | undefined {
  if (typeof value === 'string') return normaliseText(value, timeZone)
  if (value === null) return undefined
  if (typeof value !== 'object') return String(value)
  if (!isJsonList(value)) return jsonRecord(value as JsonObject, timeZone)
  return value.map((item) => valueIn(item, timeZone)).filter((item) => item !== undefined)
}
