const MOST_KEPT = 10_000
const lowerCases = new Map<string, string>()

/** Hot path: the names of fields come again with each client. */
export function lowerCase(name: string): string {
  const known = lowerCases.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  if (lowerCases.size < MOST_KEPT) lowerCases.set(ownCopy(name), lower)
  return lower
}

/** V8's own copy of a name, fast to compare. A part of a text would keep the whole text in memory. */
export const ownCopy = (name: string): string => Object.keys({ [name]: true })[0] ?? name
