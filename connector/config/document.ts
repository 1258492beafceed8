import type { ConfigPath } from './config-problem.ts'
import { GivenText } from './given-text.ts'

/** A section of a configuration before validation. */
type Section = { [key: string | number]: unknown }

/** A map or a list. */
function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !(value instanceof GivenText)
}

/** A copy without null and empty texts, which count as unset, but for list items, and with its texts as `fill` returns them. */
export function withTexts(
  value: unknown,
  fill: (text: string, path: ConfigPath) => unknown,
  path: ConfigPath = [],
): unknown {
  if (Array.isArray(value)) return value.map((item, at) => withTexts(item, fill, [...path, at]))
  if (!isSection(value)) return typeof value === 'string' ? fill(value, path) : value
  const set = Object.entries(value).filter(([, item]) => item !== null && item !== undefined && item !== '')
  return Object.fromEntries(set.map(([key, item]) => [key, withTexts(item, fill, [...path, key])]))
}

export function valueAt(document: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (isSection(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    document,
  )
}

/** Sets a value, and creates the sections above it, unless a plain value is in the way. */
export function setAt(document: unknown, path: ConfigPath, value: unknown): void {
  const [key, next] = path
  if (key === undefined || !isSection(document)) return
  if (next === undefined) document[key] = value
  else {
    document[key] ??= typeof next === 'number' ? [] : {}
    setAt(document[key], path.slice(1), value)
  }
}
