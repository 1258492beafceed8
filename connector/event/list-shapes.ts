import { type ClientRecord, type ClientValue, isList, recordWith, shownName } from '../source/client-source.ts'

/** A field, and the fields below it. A list adds no level. */
interface Branch {
  readonly isList: boolean
  /** By name in lower case. */
  readonly below: ReadonlyMap<string, Branch>
  /** Of the names below: others need not be compared. */
  readonly lengths: ReadonlySet<number>
}

/** Gives the fields at these dotted paths the shape of a list. Names are compared without case. */
export function listShaper(paths: readonly string[]): (client: ClientRecord) => ClientRecord {
  if (paths.length === 0) return (client) => client
  const root = branchesOf(paths)
  return (client) => shaped(client, root)
}

function branchesOf(paths: readonly string[]): Branch {
  const heads = new Map<string, string[]>()
  for (const path of paths) {
    const [head = '', ...rest] = path.toLowerCase().split('.')
    heads.set(head, [...(heads.get(head) ?? []), rest.join('.')])
  }
  const below = [...heads].map(([head, rests]): [string, Branch] => {
    const inner = branchesOf(rests.filter((rest) => rest !== ''))
    return [head, { ...inner, isList: rests.includes('') }]
  })
  return { isList: false, below: new Map(below), lengths: new Set([...heads.keys()].map(({ length }) => length)) }
}

/** Hot path. The record itself if nothing changes. */
function shaped(record: ClientRecord, { below, lengths }: Branch): ClientRecord {
  if (below.size === 0) return record
  let changed: Map<string, ClientValue> | undefined
  for (const name in record) {
    const branch = lengths.has(name.length) ? below.get(name.toLowerCase()) : undefined
    const value = record[name]
    if (branch === undefined || value === undefined) continue
    const now = shapedValue(value, branch)
    if (now === value) continue
    changed ??= new Map()
    changed.set(name, now)
  }
  return changed === undefined ? record : recordWith(record, changed)
}

function shapedValue(value: ClientValue, branch: Branch): ClientValue {
  const now = branch.isList ? itemsOf(value) : value
  if (branch.below.size === 0 || typeof now === 'string') return now
  const inner = (item: ClientValue) => (typeof item === 'string' || isList(item) ? item : shaped(item, branch))
  return isList(now) ? now.map(inner) : inner(now)
}

/**
 * The items of a list. XML does not distinguish one item from a plain field, nor a wrapper element of one item from an
 * object with one field.
 */
function itemsOf(value: ClientValue): readonly ClientValue[] {
  if (isList(value)) return value
  if (typeof value === 'string') return value.trim() === '' ? [] : [value]
  const inner = Object.values(value)
  const [only] = inner
  if (only === undefined) return []
  if (inner.length > 1) return [value]
  return isList(only) ? only : [only]
}

/** The setting for these lists, as YAML. */
export const listFieldsLine = (lists: readonly string[]) => `listFields: ${JSON.stringify(lists)}`

/** A stream keeps them in its checkpoint. */
const MOST_LISTS = 100

/** The paths of the fields that these clients repeat and that are not among the lists `known`. */
export function newLists(clients: readonly ClientRecord[], known: readonly string[]): readonly string[] {
  const inShape = listShaper(known)
  /** By path in lower case. */
  const found = new Map<string, string>()
  for (const client of clients) collect(inShape(client), '', found)
  for (const path of known) found.delete(path.toLowerCase())
  return [...found.values()].slice(0, Math.max(0, MOST_LISTS - known.length))
}

/** Hot path. */
function collect(record: ClientRecord, prefix: string, found: Map<string, string>): void {
  for (const name in record) {
    const value = record[name]
    // Invariant 8: a key that is no plain name can be personal.
    if (value === undefined || typeof value === 'string' || shownName(name) !== name) continue
    const path = `${prefix}${name}`
    if (isList(value)) found.set(path.toLowerCase(), path)
    for (const item of isList(value) ? value : [value])
      if (typeof item !== 'string' && !isList(item)) collect(item, `${path}.`, found)
  }
}
