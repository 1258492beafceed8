/** The value of a text; undefined if it is no JSON. */
export function parsedJson(text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  try {
    return JSON.parse(text, reviver)
  } catch {
    return undefined
  }
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

/** The value of a text, whose numbers are `rawJson`: they keep their digits. Undefined if it is no JSON. */
export const parsedWithDigits = (json: string): unknown =>
  parsedJson(json, (_, value, at?: { readonly source?: string }) =>
    typeof value === 'number' ? rawJson(at?.source ?? '') : value,
  )
