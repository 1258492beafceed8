import { type ClientRecord, type ClientValue, recordWith } from '../source/client-source.ts'

/** A field, and the fields below it. A list adds no level. */
interface Branch {
  readonly isList: boolean
  /** By name in lower case. */
  readonly below: ReadonlyMap<string, Branch>
  /** Of the names below: others need not be compared. */
  readonly lengths: ReadonlySet<number>
}

const single: Branch = { isList: false, below: new Map(), lengths: new Set() }

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

/** The lists in force: the configured and the settled ones, each path once. */
export function listsInForce(configured: readonly string[], settled: readonly string[] | null): readonly string[] {
  return [...new Map([...configured, ...(settled ?? [])].map((path) => [path.toLowerCase(), path])).values()]
}

/** The setting for these lists, as YAML. */
export const listFieldsLine = (lists: readonly string[]) => `listFields: ${JSON.stringify(lists)}`

/** Names may be personal data: what may be a map has no settled lists. */
const NAME = /^[A-Za-z_]\w{0,63}$/
const MOST_LEVELS = 4
const MOST_LISTS = 100
const MOST_BELOW = 10

/** The paths of lists in these clients that are not among `known`. */
export function newLists(clients: readonly ClientRecord[], known: readonly string[]): readonly string[] {
  let lists = known
  for (;;) {
    const found = new Map<string, string>()
    const root = branchesOf(lists)
    for (const client of clients) collect(client, root, { found, trail: [] })
    const added = [...found.values()].filter((path) => isSettled(path, [...lists, ...found.values()]))
    if (added.length === 0) return lists.slice(known.length)
    // A known list hides the name of its wrapper: other paths may come to light.
    lists = [...lists, ...added]
  }
}

interface Collecting {
  /** By path in lower case. */
  readonly found: Map<string, string>
  /** The names from the client down. */
  readonly trail: string[]
}

/** Hot path. */
function collect(record: ClientRecord, branch: Branch, collecting: Collecting): void {
  const { found, trail } = collecting
  for (const name in record) {
    const value = record[name]
    if (value === undefined || typeof value === 'string') continue
    const at = branch.below.get(name.toLowerCase()) ?? single
    trail.push(name)
    if (isList(value) && !at.isList) found.set(trail.join('.').toLowerCase(), trail.join('.'))
    const inner = at.isList ? itemsOf(value) : value
    for (const item of isList(inner) ? inner : [inner])
      if (typeof item !== 'string' && !isList(item)) collect(item, at, collecting)
    trail.pop()
  }
}

function isSettled(path: string, all: readonly string[]): boolean {
  const names = path.split('.')
  if (names.length > MOST_LEVELS || !names.every((name) => NAME.test(name)) || all.length > MOST_LISTS) return false
  const parent = names.slice(0, -1).join('.').toLowerCase()
  const beside = all.filter((other) => other.slice(0, Math.max(other.lastIndexOf('.'), 0)).toLowerCase() === parent)
  return parent === '' || beside.length <= MOST_BELOW
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}
