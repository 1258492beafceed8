import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { setField, type WritableRecord } from '../source/set-field.ts'

/** Paths (lower case, `a.b`) that are left out; lists do not count as a level. */
export type IgnoredPaths = ReadonlySet<string>

/** JSON text that equal records have in common, whatever the source's order: keys in code-unit order, but whole numbers before all others. */
export function canonicalJson(value: ClientValue): string {
  return JSON.stringify(inOrder(value))
}

function inOrder(value: ClientValue): ClientValue {
  if (typeof value === 'string') return value
  if (isList(value)) return value.map(inOrder)
  const sorted: WritableRecord = {}
  for (const key of sortedKeys(value)) {
    const field = value[key]
    if (field !== undefined) setField(sorted, key, typeof field === 'string' ? field : inOrder(field))
  }
  return sorted
}

/** The last keys seen, by their number: a page has few kinds of objects. */
const lastKeys: { readonly given: readonly string[]; readonly sorted: readonly string[] }[] = []
const MOST_KEYS = 200

function sortedKeys(record: ClientRecord): readonly string[] {
  const given = Object.keys(record)
  const last = lastKeys[given.length]
  if (last !== undefined && given.every((key, at) => key === last.given[at])) return last.sorted
  const sorted = given.toSorted()
  if (given.length < MOST_KEYS) lastKeys[given.length] = { given, sorted }
  return sorted
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
