import {
  type ClientField,
  type ClientRecord,
  type ClientValue,
  isList,
  recordOf,
  shownName,
} from '../source/client-source.ts'

/** An element, and the elements below it. A list adds no level (docs/decisions/20261202-shape-of-a-client.md). */
interface Branch {
  readonly isList: boolean
  /** An object around the lists below, all of them empty; undefined if no list is below. */
  readonly around: ClientRecord | undefined
  /** The elements below, by name in lower case. */
  readonly below: ReadonlyMap<string, Branch>
  /** The lengths of the names below: others need not be compared. */
  readonly lengths: ReadonlySet<number>
}

/**
 * Gives what is at these dotted paths the shape of a list: of one item, if it occurs once. What is empty becomes an
 * empty list, or an object around the empty lists below it: its type does not depend on the number of items. Names are
 * compared without case.
 */
export function listShaper(paths: readonly string[]): (client: ClientRecord) => ClientRecord {
  if (paths.length === 0) return (client) => client
  const root = branchOf(paths.map((path) => path.split('.')))
  return (client) => shapedRecord(client, root)
}

function branchOf(paths: readonly (readonly string[])[]): Branch {
  const longer = paths.filter((path) => path.length > 0)
  const below = new Map<string, Branch>()
  const lists: ClientField[] = []
  for (const [lower, those] of Map.groupBy(longer, ([name = '']) => name.toLowerCase())) {
    const branch = branchOf(those.map((path) => path.slice(1)))
    below.set(lower, branch)
    const empty = branch.isList ? [] : branch.around
    if (empty !== undefined) lists.push([those[0]?.[0] ?? lower, empty])
  }
  const lengths = new Set([...below.keys()].map(({ length }) => length))
  return {
    isList: longer.length < paths.length,
    around: lists.length === 0 ? undefined : recordOf(lists),
    below,
    lengths,
  }
}

/** Gives a record its shape, on a hot path; returns the record itself if nothing changes. */
function shapedRecord(record: ClientRecord, { below, lengths }: Branch): ClientRecord {
  if (below.size === 0) return record
  let copy: { [field: string]: ClientValue } | undefined
  for (const name in record) {
    const branch = lengths.has(name.length) ? below.get(name.toLowerCase()) : undefined
    const value = record[name]
    if (branch === undefined || value === undefined) continue
    const now = shapedValue(value, branch)
    if (now === value) continue
    copy ??= { ...record }
    copy[name] = now
  }
  return copy ?? record
}

function shapedValue(value: ClientValue, branch: Branch): ClientValue {
  if (!branch.isList || isList(value)) return shapedItem(value, branch)
  return isBlank(value) ? [] : [shapedItem(value, branch)]
}

function shapedItem(value: ClientValue, branch: Branch): ClientValue {
  const { around } = branch
  if (around === undefined) return value
  if (isList(value)) return shapedItems(value, branch)
  if (typeof value === 'string') return isBlank(value) ? around : value
  return shapedRecord(value, branch)
}

/** Returns the same list if no item changes, so that its client need not be copied. */
function shapedItems(items: readonly ClientValue[], branch: Branch): readonly ClientValue[] {
  const shaped = items.map((item) => shapedItem(item, branch))
  return shaped.every((item, at) => item === items[at]) ? items : shaped
}

const isBlank = (value: ClientValue) => typeof value === 'string' && value.trim() === ''

/** Returns the setting for these lists, as YAML. */
export const listFieldsLine = (lists: readonly string[]) => `listFields: ${JSON.stringify(lists)}`

/** A stream keeps at most so many lists in its checkpoint. */
const MOST_LISTS = 100

/** Returns the paths of the elements that one of these clients repeats and that are not among the lists `known`. */
export function newLists(clients: readonly ClientRecord[], known: readonly string[]): readonly string[] {
  /** The paths as they are written, by path in lower case. */
  const found = new Map<string, string>()
  for (const client of clients) collectLists(client, '', found)
  for (const path of known) found.delete(path.toLowerCase())
  return [...found.values()].slice(0, Math.max(0, MOST_LISTS - known.length))
}

/**
 * Whether the name is plain, and can be configured. Invariant 8: a key that is not can be personal. One with a dot
 * would be two steps of a path.
 */
const isPlain = (name: string) => shownName(name) === name && !name.includes('.')

/** Collects the paths of lists, on a hot path. */
function collectLists(record: ClientRecord, prefix: string, found: Map<string, string>) {
  for (const name in record) {
    const value = record[name]
    if (value === undefined || typeof value === 'string' || !isPlain(name)) continue
    const path = `${prefix}${name}`
    if (isList(value)) found.set(path.toLowerCase(), path)
    for (const item of isList(value) ? value : [value])
      if (typeof item !== 'string' && !isList(item)) collectLists(item, `${path}.`, found)
  }
}
