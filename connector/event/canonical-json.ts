import { hash } from 'node:crypto'
import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { setField, type WritableRecord } from '../source/client-source.ts'

/** Dotted paths to leave out, in lower case (`a.b`). A list adds no level to a path. */
export type IgnoredPaths = ReadonlySet<string>

/**
 * The same JSON text for equal records, independent of the source's key order: keys in code-unit order, but
 * whole-number keys before all others.
 */
export function canonicalJson(value: ClientValue): string {
  return JSON.stringify(sorted(value))
}

function sorted(value: ClientValue): ClientValue {
  if (typeof value === 'string') return value
  return isList(value) ? value.map(sorted) : withSortedKeys(value)
}

export function withSortedKeys(record: ClientRecord): ClientRecord {
  const copy: WritableRecord = {}
  for (const key of sortedKeys(record)) {
    const field = record[key]
    if (field !== undefined) setField(copy, key, typeof field === 'string' ? field : sorted(field))
  }
  return copy
}

/** Cache: the last list of keys, by its length. A page has few kinds of objects. */
const lastKeys: { readonly given: readonly string[]; readonly sorted: readonly string[] }[] = []
const MAX_CACHED_LENGTH = 200

function sortedKeys(record: ClientRecord): readonly string[] {
  const given = Object.keys(record)
  const last = lastKeys[given.length]
  if (last !== undefined && given.every((key, index) => key === last.given[index])) return last.sorted
  const sorted = given.toSorted()
  if (given.length < MAX_CACHED_LENGTH) lastKeys[given.length] = { given, sorted }
  return sorted
}

/** A copy without the ignored paths; the record itself when nothing is ignored. */
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

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}

/** The value at a path; names are compared without case. Undefined if it is absent or if a list is on the path. */
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
  const lowerName = name.toLowerCase()
  const key = Object.keys(record).find((candidate) => candidate.toLowerCase() === lowerName)
  return key === undefined ? undefined : record[key]
}

/** SHA-256 of the text, base64url (43 characters). */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
