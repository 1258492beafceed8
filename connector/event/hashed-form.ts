import { type ClientRecord, type ClientValue, recordWith } from '../source/client-source.ts'

/** The form of a content hash: a list of one counts as its item. The record itself if it has none. */
export function withoutSingleLists(client: ClientRecord): ClientRecord {
  return mapped(client, itemOfOne)
}

function itemOfOne(value: ClientValue): ClientValue {
  if (typeof value === 'string') return value
  if (!isList(value)) return mapped(value, itemOfOne)
  const [only] = value
  return only !== undefined && value.length === 1 ? itemOfOne(only) : mappedItems(value, itemOfOne)
}

/**
 * The form of an event id: the same for every shape that a list may have, so that a page that is read again with other
 * lists gives the same ids. It loses the name of a single field; the number of the previous event tells changes apart.
 */
export function withoutShape(client: ClientRecord): ClientRecord {
  return mapped(client, shapeless)
}

function shapeless(value: ClientValue): ClientValue {
  if (typeof value === 'string') return value.trim() === '' ? '' : value
  const items = isList(value) ? value : Object.values(value)
  const [only] = items
  if (only === undefined) return ''
  if (items.length === 1) return shapeless(only)
  return isList(value) ? mappedItems(value, shapeless) : mapped(value, shapeless)
}

type Form = (value: ClientValue) => ClientValue

/** The list itself if no item changes. */
function mappedItems(list: readonly ClientValue[], form: Form): readonly ClientValue[] {
  const items = list.map(form)
  return items.some((item, at) => item !== list[at]) ? items : list
}

/** The record itself if no field changes. */
function mapped(record: ClientRecord, form: Form): ClientRecord {
  let changed: Map<string, ClientValue> | undefined
  for (const name in record) {
    const value = record[name]
    if (value === undefined) continue
    const now = form(value)
    if (now === value) continue
    changed ??= new Map()
    changed.set(name, now)
  }
  return changed === undefined ? record : recordWith(record, changed)
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}
