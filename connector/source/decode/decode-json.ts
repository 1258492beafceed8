import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ClientRecord } from '../client-source.ts'
import type { AnswerNode, AnswerRoot } from './answer-node.ts'
import type { DecodeSettings, DocumentDecoder } from './decode-xml.ts'
import { endsEarly, jsonItems } from './json-items.ts'
import { isJsonObject, type JsonContext, type JsonObject, type JsonValue, jsonRecord } from './json-record.ts'

/** A longer document is not parsed at once: a million characters take about 10 ms. */
const LONGEST_WHOLE = 1024 * 1024

/**
 * Decodes JSON; numbers keep their original text. A document of more than `longestWhole` characters is parsed item by
 * item. Messages never contain content.
 */
export function jsonDecoder(settings: DecodeSettings, longestWhole = LONGEST_WHOLE): DocumentDecoder {
  const parts: string[] = []
  let length = 0
  let items: ReturnType<typeof jsonItems> | undefined
  return {
    write: (part) => {
      length += part.length
      if (items !== undefined) return items.write(part)
      parts.push(part)
      if (length <= longestWhole) return
      items = jsonItems(parseText)
      for (const known of parts.splice(0)) items.write(known)
    },
    end: () => rootOf(items === undefined ? parse(parts.join('')) : items.end(), settings),
  }
}

/** Decodes a whole JSON document. */
export function decodeJson(text: string, settings: DecodeSettings): AnswerRoot {
  const decoder = jsonDecoder(settings)
  decoder.write(text)
  return decoder.end()
}

function rootOf(value: JsonValue, { shape, timeZone }: DecodeSettings): AnswerRoot {
  const context = { shape: shape.hasListsBelow ? shape : undefined, timeZone, depth: 0 }
  return Object.assign(new JsonNode('', value, context), { replacedCharacters: 0 })
}

/**
 * Matches a number whose text `String(JSON.parse(…))` may change: more than 15 digits, an exponent, a trailing zero in
 * the fraction, a very small value, minus zero. A match within a string costs time, but does no harm.
 */
const mayLoseDigits = /[:,[]\s*(?:-0(?![.\d])|-?(?:\d{16}|[\d.]{17}|[\d.]+[eE]|\d+\.\d*0(?!\d)|0\.0{6}))|^\s*[-\d]/

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** The document with every number in quotes that could lose digits. Does not change strings, and invalid JSON remains invalid. */
function withNumbersAsText(text: string): string {
  const parts: string[] = []
  let copied = 0
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = afterString(text, at)
    else if (code === MINUS || isDigit(code)) {
      const end = afterDigits(text, at + 1)
      if (isShortWhole(text, at, end)) at = end
      else {
        number.lastIndex = at
        const digits = number.exec(text)?.[0]
        if (digits === undefined) break
        parts.push(text.slice(copied, at), '"', digits, '"')
        at += digits.length
        copied = at
      }
    } else at += 1
  }
  parts.push(text.slice(copied))
  return parts.join('')
}

const QUOTE = 0x22
const MINUS = 0x2d
const ZERO = 0x30
const isDigit = (code: number) => code >= ZERO && code <= 0x39

function afterDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at += 1
  return at
}

/** Whether the digits are a whole number that keeps them: not minus zero, not long, no fraction, no exponent. */
function isShortWhole(text: string, start: number, end: number): boolean {
  const next = text.charCodeAt(end)
  const isWhole = next !== 0x2e /* . */ && next !== 0x65 /* e */ && next !== 0x45 /* E */
  return isWhole && end - start <= 15 && (text.charCodeAt(start) !== MINUS || text.charCodeAt(start + 1) !== ZERO)
}

/** The index after the string that begins at `start`. */
function afterString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
  return text.length + 1
}

/** Throws `source.answer-malformed`. */
function parseText(text: string): JsonValue {
  try {
    return JSON.parse(mayLoseDigits.test(text) ? withNumbersAsText(text) : text)
  } catch {
    // The message of the original error quotes the document.
    throw new ConnectorError('source.answer-malformed', `decode json: ${text.length} characters are not valid JSON`)
  }
}

/** Throws `source.answer-truncated` if the document ends early, or else `source.answer-malformed`. */
function parse(text: string): JsonValue {
  try {
    return parseText(text)
  } catch (error) {
    throw isCut(text) ? endsEarly(text.length) : error
  }
}

/** Whether an object, a list or a string is still open at the end. */
function isCut(text: string): boolean {
  let open = 0
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (character === '{' || character === '[') open += 1
    if (character === '}' || character === ']') open -= 1
    at = character === '"' ? afterString(text, at) : at + 1
  }
  return open > 0 || at > text.length
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
