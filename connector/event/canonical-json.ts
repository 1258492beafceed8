import type { ClientRecord, ClientValue } from '../source/client-source.ts'

/** Paths (lower case, `a.b`) that are left out; lists do not count as a level. */
export type IgnoredPaths = ReadonlySet<string>

const quotedKeys = new Map<string, string>()
const QUOTED_KEYS_KEPT = 10_000

function quotedKey(key: string): string {
  const known = quotedKeys.get(key)
  if (known !== undefined) return known
  const quoted = `${JSON.stringify(key)}:`
  if (quotedKeys.size < QUOTED_KEYS_KEPT) quotedKeys.set(key, quoted)
  return quoted
}

/** JSON text with the keys of every object in code-unit order: equal records give equal text, whatever the source's order. */
export function canonicalJson(value: ClientValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const field = value[key]
    if (field !== undefined) text += `${text === '' ? '' : ','}${quotedKey(key)}${canonicalJson(field)}`
  }
  return `{${text}}`
}

/** The record without the ignored paths; the record itself when nothing is ignored. */
export function without(record: ClientRecord, ignored: IgnoredPaths, prefix = ''): ClientRecord {
  if (ignored.size === 0) return record
  const kept = Object.entries(record).flatMap(([key, value]): [string, ClientValue][] => {
    const path = `${prefix}${key.toLowerCase()}`
    return ignored.has(path) ? [] : [[key, withoutIn(value, ignored, `${path}.`)]]
  })
  return Object.fromEntries(kept)
}

function withoutIn(value: ClientValue, ignored: IgnoredPaths, prefix: string): ClientValue {
  if (typeof value === 'string') return value
  if (isList(value)) return value.map((item) => withoutIn(item, ignored, prefix))
  return without(value, ignored, prefix)
}

export function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}

/** The value at a dotted path, names compared without case; undefined where there is none, or where a list stands in between. */
export function valueAt(record: ClientRecord, path: readonly string[]): ClientValue | undefined {
  let value: ClientValue | undefined = record
  for (const name of path) {
    if (value === undefined || typeof value === 'string' || isList(value)) return undefined
    value = fieldOf(value, name)
  }
  return value
}

function fieldOf(record: ClientRecord, name: string): ClientValue | undefined {
  if (Object.hasOwn(record, name)) return record[name]
  const wanted = name.toLowerCase()
  const key = Object.keys(record).find((candidate) => candidate.toLowerCase() === wanted)
  return key === undefined ? undefined : record[key]
}
