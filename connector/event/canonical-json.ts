import { hash } from 'node:crypto'
import { rawText } from '../runtime/parsed-json.ts'
import { type ClientField, type ClientRecord, type ClientValue, isList, recordOf } from '../source/client-source.ts'

/** The dotted paths to leave out, in lower case (`a.b`). A list adds no level to a path. */
export type IgnoredPaths = ReadonlySet<string>

/**
 * Returns the same JSON text for equal records: `recordOf` puts their keys in code-unit order, but whole-number keys
 * before all others.
 */
export const canonicalJson = (value: ClientValue) => JSON.stringify(value)

/** Whether the value is a text, or a value with a type: see `fieldTyper`. */
const isLeaf = (value: ClientValue): value is string => typeof value !== 'object' || rawText(value) !== undefined

/**
 * Returns the same for a list of one item as for this item, and an empty text for a list of none or of empty texts, and
 * for an object around empty texts alone: XML leaves open whether an element is a list. Empty fields of other objects
 * are kept, or left out.
 */
export function collapsedValue(value: ClientValue, empty: 'kept' | 'left out' = 'kept'): ClientValue {
  if (isLeaf(value)) return typeof value === 'string' && value.trim() === '' ? '' : value
  if (isList(value)) {
    const items = value.map((item) => collapsedValue(item, empty))
    return items.length > 1 && items.some((item) => item !== '') ? items : (items[0] ?? '')
  }
  const fields = Object.entries(value).map(([name, field]): ClientField => [name, collapsedValue(field, empty)])
  if (fields.every(([, field]) => field === '')) return ''
  return recordOf(empty === 'kept' ? fields : fields.filter(([, field]) => field !== ''))
}

/** Copies a record without the ignored paths; returns the record itself when nothing is ignored. */
export function withoutPaths(record: ClientRecord, ignored: IgnoredPaths, prefix = ''): ClientRecord {
  if (ignored.size === 0) return record
  const kept = Object.entries(record).flatMap(([key, value]): [string, ClientValue][] => {
    const path = `${prefix}${key.toLowerCase()}`
    return ignored.has(path) ? [] : [[key, withoutPathsIn(value, ignored, `${path}.`)]]
  })
  return recordOf(kept)
}

function withoutPathsIn(value: ClientValue, ignored: IgnoredPaths, prefix: string): ClientValue {
  if (isLeaf(value)) return value
  if (isList(value)) return value.map((item) => withoutPathsIn(item, ignored, prefix))
  return withoutPaths(value, ignored, prefix)
}

/**
 * Returns the value at a path, whose names are compared without case; undefined if it is absent or if a list is on the
 * path.
 */
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

/** Returns the SHA-256 of the text as base64url (43 characters). */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
