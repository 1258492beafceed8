import { ConnectorError } from '../../../runtime/connector-error.ts'

// A document of a few hundred KB could exhaust the memory, so it is measured before anything of it is built. Just below
// the limit, both parsers live in a heap of 192 MB beside 60 MB of other data.

const MAX_STRUCTURE = 500_000
/** Deeper nesting is rejected: no client needs it, and it could overflow the stack. */
export const MAX_DEPTH = 64
/** A page has at most twice the largest `limit`. */
const MAX_CLIENTS = 2_000

const tooLargeError = (why: string) => new ConnectorError('source.answer-too-large', `decode page: ${why}`)
const tooMuchError = () => tooLargeError(`more than ${MAX_STRUCTURE} fields and items`)

/** Counts characters that are replaced. Throws `source.answer-too-large`. */
export function replacedCounter(): { count: () => void; total: () => number } {
  let replaced = 0
  const count = () => {
    replaced += 1
    if (replaced > MAX_STRUCTURE) throw tooLargeError(`more than ${MAX_STRUCTURE} forbidden characters`)
  }
  return { count, total: () => replaced }
}

export const tooDeepError = () =>
  new ConnectorError('source.answer-malformed', `decode page: nested deeper than ${MAX_DEPTH} levels`)

/** Throws `source.answer-too-large` if the server ignores `limit`. */
export function limitClients(clients: number): void {
  if (clients > MAX_CLIENTS) throw tooLargeError(`${clients} clients, so the server ignores the limit of the call`)
}

const code = (character: string) => character.charCodeAt(0)
const QUOTE = code('"')
const BACKSLASH = code('\\')
const COMMA = code(',')
const COLON = code(':')
const OPEN_LIST = code('[')
const CLOSE_LIST = code(']')
const OPEN_OBJECT = code('{')
const CLOSE_OBJECT = code('}')
const MINUS = code('-')
const ZERO = code('0')
const NINE = code('9')

/**
 * Counts tags, references, line ends that the parser converts, and attributes twice, as they take more memory. Throws
 * `source.answer-too-large`.
 */
export function limitXml(text: string): void {
  let count = 0
  for (const mark of '<&\r==') for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) count += 1
  if (count > MAX_STRUCTURE) throw tooMuchError()
}

/**
 * Counts fields, items and lists, and objects twice, as they take more memory. Returns the text with quotes around the
 * numbers that would lose digits. Throws `source.answer-too-large`, or `source.answer-malformed` if it is too deep.
 */
export function limitJson(text: string): string {
  let count = 0
  let depth = 0
  let written = 0
  let quoted = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) at = endOfString(text, at)
    else if (character === COMMA || character === COLON) count += 1
    else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      count += character === OPEN_OBJECT ? 2 : 1
      depth += 1
      if (depth > MAX_DEPTH) throw tooDeepError()
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth -= 1
    else if (character === MINUS || (character >= ZERO && character <= NINE)) {
      plainNumber.lastIndex = at
      if (plainNumber.test(text)) {
        at = plainNumber.lastIndex - 1
        continue
      }
      const number = numberAt(text, at)
      if (!losesNothing(number)) {
        quoted += `${text.slice(written, at)}"${number}"`
        written = at + number.length
      }
      at += Math.max(number.length - 1, 0)
    }
  }
  if (count > MAX_STRUCTURE) throw tooMuchError()
  return quoted === '' ? text : quoted + text.slice(written)
}

/** Matches most numbers that stay the same, so that their text need not be copied; none in the place of a name. */
const plainNumber = /(?:0|-?[1-9]\d{0,8}(?:\.\d{0,5}[1-9])?)(?=[,\]}])/y

/**
 * Whether the text stays the same as a number. What is no number, or is in the place of a name, where quotes make it
 * valid, counts as well.
 */
const losesNothing = (text: string) => text === '' || String(Number(text)) === text
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\s*:)/y

function numberAt(text: string, at: number) {
  number.lastIndex = at
  return number.test(text) ? text.slice(at, number.lastIndex) : ''
}

/** Returns the index of the closing quote, or else the length. */
function endOfString(text: string, start: number) {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1
    if ((end - before) % 2 === 0) return end
  }
  return text.length
}
