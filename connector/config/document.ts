import type { ConfigPath } from './config-problem.ts'

/** A configuration before validation. */
type Document = { [key: string]: unknown }

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Removes null and empty texts, which count as unset. List items keep their positions. */
export function withoutUnset(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnset)
  if (!isDocument(value)) return value
  const set = Object.entries(value).filter(([, item]) => item !== null && item !== undefined && item !== '')
  return Object.fromEntries(set.map(([key, item]) => [key, withoutUnset(item)]))
}

export function valueAt(document: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, key) => {
    if (Array.isArray(value) && typeof key === 'number') return value[key]
    return isDocument(value) && Object.hasOwn(value, key) ? value[key] : undefined
  }, document)
}

/** A copy with `value` at `path`, creating sections in between. Unchanged if a plain value is in the way. */
export function withValueAt(document: unknown, path: ConfigPath, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (typeof key === 'number') {
    const list: unknown[] = document === undefined ? [] : Array.isArray(document) ? [...document] : []
    if (document !== undefined && !Array.isArray(document)) return document
    list[key] = withValueAt(list[key], rest, value)
    return list
  }
  if (document !== undefined && !isDocument(document)) return document
  return { ...document, [key]: withValueAt(document?.[key], rest, value) }
}

/** Items of a text, separated by commas or line ends. */
export function listItems(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Entries of a text with lines `Name: value`; undefined if another line is in it. */
export function mapEntries(text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const entries = lines.map((line) => /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line)?.slice(1))
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : undefined
}
