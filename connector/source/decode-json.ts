import { ConnectorError } from '../runtime/connector-error.ts'
import type { AnswerNode } from './answer-node.ts'
import type { DecodeSettings } from './decode-xml.ts'
import { isJsonObject, type JsonContext, type JsonObject, type JsonValue, jsonRecord } from './json-record.ts'

/**
 * The value of a JSON document, numbers by their source text. Throws `source.answer-truncated` when it ends too early, else
 * `source.answer-malformed`; the message tells the place, never the content.
 */
export function decodeJson(text: string, settings: DecodeSettings): AnswerNode {
  const value = parse(mayLoseDigits.test(text) ? withNumbersAsText(text) : text)
  const shape = settings.shape.hasListsBelow ? settings.shape : undefined
  return jsonNode('', value, { shape, timeZone: settings.timeZone, depth: 0 })
}

/**
 * Finds (also within strings, then for nothing) a number that `String(JSON.parse(…))` may not give back as its text: more than 15
 * digits, an exponent, a zero at the end of a fraction, a very small one, minus zero.
 */
const mayLoseDigits = /[:,[]\s*(?:-0(?![.\d])|-?(?:\d{16}|[\d.]{17}|[\d.]+[eE]|\d+\.\d*0(?!\d)|0\.0{6}))|^\s*[-\d]/

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** The document with every number in quotes; strings stay as they are. What is no JSON stays none. */
function withNumbersAsText(text: string): string {
  const parts: string[] = []
  let copied = 0
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = afterString(text, at)
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at
      const digits = number.exec(text)?.[0]
      if (digits === undefined) break
      parts.push(text.slice(copied, at), '"', digits, '"')
      at += digits.length
      copied = at
    } else at += 1
  }
  parts.push(text.slice(copied))
  return parts.join('')
}

/** Where the string that begins at a quote is over. */
function afterString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
  return text.length + 1
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    // Its message quotes the document.
    if (isCut(text))
      throw new ConnectorError(
        'source.answer-truncated',
        `decode json: the document ends too early, after ${text.length} characters`,
      )
    throw new ConnectorError('source.answer-malformed', `decode json: ${text.length} characters are not valid JSON`)
  }
}

/** Whether something that was opened is still open at the end. */
function isCut(text: string): boolean {
  let open = 0
  let at = 0
  while (at < text.length) {
    const sign = text.charAt(at)
    if (sign === '{' || sign === '[') open += 1
    if (sign === '}' || sign === ']') open -= 1
    at = sign === '"' ? afterString(text, at) : at + 1
  }
  return open > 0 || at > text.length
}

function jsonNode(name: string, value: JsonValue, context: JsonContext): AnswerNode {
  let children: readonly AnswerNode[] | undefined
  return {
    name,
    kind: kindOf(value),
    text: () => (value === null || typeof value === 'object' ? '' : String(value)),
    children: () => {
      children ??= childrenOf(name, value, context)
      return children
    },
    client: () => (isJsonObject(value) ? jsonRecord(value, context) : {}),
  }
}

function kindOf(value: JsonValue): AnswerNode['kind'] {
  if (value === null) return 'absent'
  if (typeof value !== 'object') return 'text'
  return Array.isArray(value) ? 'list' : 'object'
}

function childrenOf(name: string, value: JsonValue, context: JsonContext): readonly AnswerNode[] {
  if (value === null || typeof value !== 'object') return []
  if (Array.isArray(value)) return value.map((item: JsonValue) => jsonNode(name, item, context))
  return Object.entries(value as JsonObject).map(([key, field]) => jsonNode(key, field, context))
}
