import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import type { FieldRules } from './field-rules.ts'
import { isListOfOne } from './minimise.ts'

/** The paths of rules that no client has: probably misspelled. */
export function missingFields(rules: FieldRules, clients: readonly ClientRecord[]): string[] {
  return [...rules.actions.keys()].filter((path) => !clients.some((client) => hasField(client, path.split('.'))))
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

export function fieldWatch(rules: FieldRules): FieldWatch {
  let missing: FieldRules | undefined = rules
  let clients = 0
  return {
    add: (client) => {
      if (missing === undefined) return undefined
      const left = missingFields(missing, [client])
      missing = left.length === 0 ? undefined : { ...missing, actions: only(missing, left) }
      clients += 1
      if (clients < WATCHED_CLIENTS) return undefined
      missing = undefined
      return left.length === 0 ? undefined : left
    },
  }
}

function only({ actions }: FieldRules, paths: readonly string[]): FieldRules['actions'] {
  return new Map([...actions].filter(([path]) => paths.includes(path)))
}
