/** Returns the value of a text; undefined if it is no JSON. */
export function parsedJson(text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  try {
    return JSON.parse(text, reviver)
  } catch {
    return undefined
  }
}

/** Returns the fields of an object in a text; none if there is none. */
export const parsedFields = (text: string): Readonly<Record<string, unknown>> => fieldsOf(parsedJson(text))

/** Returns the fields of an object; none if the value is none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** TypeScript does not know `JSON.rawJSON` yet. */
const { rawJSON, isRawJSON } = JSON as typeof JSON & {
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
}

/** Returns a value that `JSON.stringify` writes as this text. */
export const rawJson = (literal: string): object => rawJSON(literal)

/** Returns the text of a `rawJson`; undefined for any other value. */
export const rawText = (value: unknown): string | undefined => (isRawJSON(value) ? value.rawJSON : undefined)

/** Returns the value of a text, whose numbers are `rawJson`: they keep their digits. Undefined if it is no JSON. */
export const parsedWithDigits = (json: string): unknown =>
  parsedJson(json, (_, value, at?: { readonly source?: string }) =>
    typeof value === 'number' ? rawJson(at?.source ?? '') : value,
  )
