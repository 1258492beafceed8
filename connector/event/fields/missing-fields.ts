import type { ClientRecord, ClientValue } from '../../source/client-source.ts'
import { isListOfOne } from './minimise.ts'

/** The configured paths, in lower case, that no client has: probably misspelled. */
export function missingFields(paths: readonly string[], clients: readonly ClientRecord[]): readonly string[] {
  return paths.filter((path) => !clients.some((client) => hasField(client, path.split('.'))))
}

function hasField(value: ClientValue, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true
  if (typeof value === 'string') return false
  if (isList(value)) return value.some((item) => hasField(item, [name, ...rest]))
  const isOne = isListOfOne(value, Object.keys(value))
  return Object.entries(value).some(
    ([key, field]) =>
      (key.toLowerCase() === name && hasField(field, rest)) || (isOne && hasField(field, [name, ...rest])),
  )
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}

/** Looks for fields that no client has, for as long as the stream runs on this replica. */
export interface FieldWatch {
  /** Returns the fields that none of the first clients had, once. */
  add(client: ClientRecord): readonly string[] | undefined
}

/** A field may be absent in most clients. */
const WATCHED_CLIENTS = 1000

export function fieldWatch(paths: readonly string[]): FieldWatch {
  let missing = paths
  let clients = 0
  return {
    add: (client) => {
      if (missing.length === 0) return undefined
      missing = missingFields(missing, [client])
      clients += 1
      if (clients < WATCHED_CLIENTS || missing.length === 0) return undefined
      const left = missing
      missing = []
      return left
    },
  }
}
