import type { ConfigPath } from './config-problem.ts'
import type { SettingKind } from './setting-types.ts'

/** A configuration before it is checked: maps, lists and plain values. */
export type Document = { [key: string]: unknown }

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing and empty texts count as unset: they are left out. List items keep their places. */
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

/** A copy with `value` at `path`; groups in between are made. Where something else than a group or list stands in the way, as it was. */
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

/** A text from the environment as the value that its setting takes; left as it is where it does not look like one. */
export function fromText(text: string, kind: SettingKind): unknown {
  if (kind === 'number' && /^-?\d{1,15}$/.test(text.trim())) return Number(text)
  if (kind === 'boolean' && /^(true|false)$/i.test(text.trim())) return /^true$/i.test(text.trim())
  if (kind === 'list')
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  return text
}
