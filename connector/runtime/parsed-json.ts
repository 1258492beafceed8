/** The value of a text; undefined if it is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where a text stops being JSON, for an error message. Invariant 8: never what stands there. */
export function jsonFault(text: string): string {
  const message = jsonError(text) ?? ''
  const known = / at position (\d+)/.exec(message)?.[1]
  const at = known === undefined && isUnexpected(message) ? unexpectedAt(text) : Number(known ?? text.length)
  return at < text.length ? `at character ${at + 1} of ${text.length}` : `it ends after ${text.length} characters`
}

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return String(error)
  }
}

const isUnexpected = (message: string | undefined) => message?.includes('Unexpected token') === true

/** Node does not say where an unexpected character is: it is the last one of the shortest beginning that has one. */
function unexpectedAt(text: string): number {
  let [before, within] = [0, text.length]
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2)
    if (isUnexpected(jsonError(text.slice(0, middle)))) within = middle
    else before = middle
  }
  return within - 1
}

/** The fields of an object in a text; none if there is none. */
export const parsedFields = (text: string): Readonly<Record<string, unknown>> => fieldsOf(parsedJson(text))

/** The fields of an object; none if the value is none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** In TypeScript, `JSON` has no `rawJSON` yet. */
const { rawJSON, isRawJSON } = JSON as typeof JSON & {
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
}

/** `JSON.stringify` writes this text as it is. */
export const rawJson = (literal: string): object => rawJSON(literal)

/** The text of a `rawJson`; undefined for any other value. */
export const rawText = (value: unknown): string | undefined => (isRawJSON(value) ? value.rawJSON : undefined)

/** The value of a JSON text, whose numbers are `rawJson`: they keep their digits. */
export const parsedWithDigits = (json: string): unknown =>
  JSON.parse(json, (_, value, at?: { readonly source?: string }) =>
    typeof value === 'number' ? rawJson(at?.source ?? '') : value,
  )
