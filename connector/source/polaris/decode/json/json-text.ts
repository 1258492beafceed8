import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { FLAG, TOKEN } from '../answer-node.ts'

// Places in the text of a JSON document.

export const COMMA = 0x2c
export const COLON = 0x3a
export const QUOTE = 0x22
const BACKSLASH = 0x5c
export const OPEN_LIST = 0x5b
export const CLOSE_LIST = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d
const SPACE = 0x20
const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LOWER_CASE = 0x20
const A = 0x61
const E = 0x65
const F = 0x66

const isDigit = (code: number) => code >= ZERO && code <= NINE
const isBlank = (code: number) => code === SPACE || code === 0x0a || code === 0x0d || code === 0x09

/** Whether a number begins with this character, outside of strings. */
export const beginsNumber = (code: number) => code === MINUS || isDigit(code)

function afterDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at += 1
  return at
}

/** The index after a whole number of which `String(JSON.parse(…))` returns the text; undefined for any other number. */
export function afterShortWhole(text: string, start: number): number | undefined {
  const isNegative = text.charCodeAt(start) === MINUS
  const end = afterDigits(text, start + 1)
  const next = text.charCodeAt(end)
  if (next === POINT || (next | LOWER_CASE) === E || end - start > 15) return undefined
  return isNegative && text.charCodeAt(start + 1) === ZERO ? undefined : end
}

/** The index after a number of JSON; undefined if it is none. */
export function afterNumber(text: string, start: number): number | undefined {
  const first = text.charCodeAt(start) === MINUS ? start + 1 : start
  const whole = afterDigits(text, first)
  if (whole === first || (text.charCodeAt(first) === ZERO && whole > first + 1)) return undefined
  if (text.charCodeAt(whole) !== POINT) return afterExponent(text, whole)
  const fraction = afterDigits(text, whole + 1)
  return fraction === whole + 1 ? undefined : afterExponent(text, fraction)
}

function afterExponent(text: string, start: number): number | undefined {
  if ((text.charCodeAt(start) | LOWER_CASE) !== E) return start
  const sign = text.charCodeAt(start + 1)
  const first = sign === PLUS || sign === MINUS ? start + 2 : start + 1
  const end = afterDigits(text, first)
  return end === first ? undefined : end
}

/** The index of the next character that is not blank. */
export function afterBlanks(text: string, start: number): number {
  let at = start
  while (isBlank(text.charCodeAt(at))) at += 1
  return at
}

/** The index after the string that begins at `start`. */
function afterString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at += 1
  }
  return text.length
}

/** The text of the value after a name and its colon; of an object or list the beginning. Undefined: no colon. */
function valueAfter(text: string, nameEnd: number): string | undefined {
  const colon = afterBlanks(text, nameEnd)
  if (text.charCodeAt(colon) !== COLON) return undefined
  const start = afterBlanks(text, colon + 1)
  if (text.charCodeAt(start) === QUOTE) return text.slice(start, afterString(text, start))
  return /^[^\s,}]{0,20}/.exec(text.slice(start, start + 20))?.[0]
}

/** The index of the next such character, or else the length. */
export function indexIn(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from)
  return at === -1 ? text.length : at
}

/** The number in the four hexadecimal digits at this index; undefined if they are none. */
export function hexAt(text: string, start: number): number | undefined {
  let value = 0
  for (let at = start; at < start + 4; at += 1) {
    const code = text.charCodeAt(at)
    const letter = code | LOWER_CASE
    if (isDigit(code)) value = value * 16 + code - ZERO
    else if (letter >= A && letter <= F) value = value * 16 + letter - A + 10
    else return undefined
  }
  return value
}

/** Finds a flag or token that has two values in the same object. */
interface PageValues {
  /** To be called for each string outside of lists. Throws `source.answer-malformed`. */
  add(start: number, end: number, depth: number): void
  /** An object begins. */
  open(depth: number): void
}

/** A page is the root, or in up to three objects. */
const DEEPEST_PAGE = 4

/** `JSON.parse` would keep the last one of several values. */
export function pageValues(text: string): PageValues {
  const values = new Map<string, string>()
  return {
    add: (start, end, depth) => {
      const length = end - start - 1
      if ((length !== FLAG.length && length !== TOKEN.length) || depth > DEEPEST_PAGE) return
      const name = text.slice(start + 1, end).toLowerCase()
      const value = name === FLAG || name === TOKEN ? valueAfter(text, end + 1) : undefined
      if (value === undefined) return
      const place = `${depth} ${name}`
      const known = values.get(place)
      if (known !== undefined && known !== value) throw repeated(name)
      values.set(place, value)
    },
    open: (depth) => {
      for (const name of [FLAG, TOKEN]) values.delete(`${depth} ${name}`)
    },
  }
}

const repeated = (name: string) =>
  new ConnectorError(
    'source.answer-malformed',
    `decode page: ${name === FLAG ? 'hasMoreResults' : 'checkPoint'} occurs more than once, with different values`,
  )
