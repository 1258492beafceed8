/** The value of a text; undefined if it is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The fields of an object in a text; none if there is none. */
export function parsedFields(text: string): Readonly<Record<string, unknown>> {
  const value = parsedJson(text)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
