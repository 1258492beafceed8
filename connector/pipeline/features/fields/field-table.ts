import type { ClientRecord, ClientValue } from '../../../source/client-source.ts'

/** What is known of a field. A path has one or two names; a list adds no level. */
export interface SeenField {
  readonly path: string
  /** The clients that had it, and those in which it was not empty. */
  clients: number
  filled: number
  readonly shapes: FieldShape[]
  /** Characters of the longest text. */
  longest: number
  /** Milliseconds since 1970. */
  readonly firstSeen: number
  /** The number of the last client that had it. */
  seenAt: number
  isVanished: boolean
}

type FieldShape = 'text' | 'object' | 'list'

export interface FieldChange {
  readonly change: 'new' | 'reshaped' | 'vanished'
  readonly field: string
}

/** What the fields of published clients report. A name is never that of a map; of `mistyped`, it is configured. */
export interface FieldsEvent {
  readonly kind: 'fields-changed'
  readonly change: FieldChange['change'] | 'mistyped'
  readonly fields: readonly string[]
}

/** Names may be personal data: a field with too many fields below it, or one with another name, is a map. */
const NAME = /^[A-Za-z_]\w{0,63}$/
const MOST_FIELDS = 500
const MOST_BELOW = 50
/** Stands for all names that are not kept. */
const OTHERS = '*'

/** Absent from this many clients in a row. */
const ABSENT_CLIENTS = 1_000
/** A rarer field may be absent for long. */
const LEAST_SHARE = 0.01

interface Node extends SeenField {
  filledAt: number
  readonly below: Map<string, Node>
}

/** Collects the names of fields, never a value. */
export interface FieldTable {
  clients(): number
  add(client: ClientRecord, now: number): void
  /** What `add` has found since the last call, and the fields that are absent since. */
  changes(): readonly FieldChange[]
  /** The fields of a client that the table does not have. */
  unknownIn(client: ClientRecord): readonly string[]
  fields(): readonly SeenField[]
}

export function fieldTable(before: { readonly clients: number; readonly fields: readonly SeenField[] }): FieldTable {
  const table = restored(before)
  return {
    clients: () => table.clients,
    add: (client, now) => {
      table.clients += 1
      table.now = now
      noteFields(table, client)
    },
    changes: () => [...table.found.splice(0), ...vanished(nodesOf(table), table.clients)],
    unknownIn: (client) => unknown(client, table.root),
    fields: () => nodesOf(table).map(({ below: _, filledAt: __, ...field }) => field),
  }
}

interface Table {
  readonly root: Map<string, Node>
  clients: number
  size: number
  /** When the client was read that is being added. */
  now: number
  found: FieldChange[]
}

function restored({ clients, fields }: Parameters<typeof fieldTable>[0]): Table {
  const table: Table = { root: new Map(), clients, size: 0, now: 0, found: [] }
  for (const field of fields) {
    const [top = '', inner] = field.path.split('.')
    const parent = inner === undefined ? undefined : table.root.get(top)
    Object.assign(created(table, inner ?? top, parent), field, { shapes: [...field.shapes] })
  }
  table.found = []
  return table
}

const nodesOf = ({ root }: Table) => [...root.values()].flatMap((node) => [node, ...node.below.values()])

/** Hot path. `parent`: undefined for the fields of the client itself. */
function noteFields(table: Table, record: ClientRecord, parent?: Node): void {
  for (const name in record) note(table, name, record[name] as ClientValue, parent)
}

function note(table: Table, name: string, value: ClientValue, parent: Node | undefined): void {
  const node = nodeOf(table, name, parent)
  if (node.seenAt !== table.clients) node.clients += 1
  node.seenAt = table.clients
  node.isVanished = false
  const shape = shapeOf(value)
  if (shape === undefined) return
  if (node.filledAt !== table.clients) node.filled += 1
  node.filledAt = table.clients
  if (!node.shapes.includes(shape)) {
    // The reader reports lists: it makes the field one in all clients.
    if (node.shapes.length > 0 && shape !== 'list') table.found.push({ change: 'reshaped', field: node.path })
    node.shapes.push(shape)
  }
  if (typeof value === 'string') node.longest = Math.max(node.longest, value.length)
  else if (parent === undefined) noteBelow(table, value, node)
}

function noteBelow(table: Table, value: Exclude<ClientValue, string>, node: Node): void {
  if (!isList(value)) noteFields(table, value, node)
  else for (const item of value) if (typeof item !== 'string' && !isList(item)) noteFields(table, item, node)
}

function nodeOf(table: Table, name: string, parent: Node | undefined): Node {
  const level = parent?.below ?? table.root
  const known = level.get(name) ?? parent?.below.get(OTHERS)
  if (known !== undefined) return known
  const isKept = NAME.test(name) && table.size < MOST_FIELDS && (parent === undefined || level.size < MOST_BELOW)
  if (isKept) return created(table, name, parent)
  if (parent !== undefined) {
    table.size -= level.size
    level.clear()
  }
  return level.get(OTHERS) ?? created(table, OTHERS, parent)
}

function created(table: Table, name: string, parent: Node | undefined): Node {
  const path = parent === undefined ? name : `${parent.path}.${name}`
  const unseen = { clients: 0, filled: 0, longest: 0, seenAt: 0, filledAt: 0, isVanished: false }
  const node: Node = { path, ...unseen, shapes: [], firstSeen: table.now, below: new Map() }
  const level = parent?.below ?? table.root
  level.set(name, node)
  table.size += 1
  if (name !== OTHERS) table.found.push({ change: 'new', field: path })
  return node
}

/** Undefined: empty. */
function shapeOf(value: ClientValue): FieldShape | undefined {
  if (typeof value === 'string') return value === '' ? undefined : 'text'
  if (isList(value)) return value.length === 0 ? undefined : 'list'
  return 'object'
}

/** Says so once of each. */
function vanished(fields: readonly Node[], clients: number): readonly FieldChange[] {
  const absent = fields.filter(
    ({ isVanished, seenAt, clients: had }) =>
      !isVanished && clients - seenAt >= ABSENT_CLIENTS && had >= LEAST_SHARE * Math.max(seenAt, ABSENT_CLIENTS),
  )
  for (const field of absent) field.isVanished = true
  return absent.map(({ path }) => ({ change: 'vanished', field: path }))
}

/** Names that are not kept are not new. */
function unknown(client: ClientRecord, root: ReadonlyMap<string, Node>): readonly string[] {
  const paths: string[] = []
  for (const name in client) {
    const node = root.get(name)
    const value = client[name] as ClientValue
    if (node === undefined) {
      if (NAME.test(name)) paths.push(name)
    } else if (typeof value !== 'string' && !node.below.has(OTHERS))
      for (const item of isList(value) ? value : [value])
        if (typeof item !== 'string' && !isList(item))
          for (const inner in item) if (!node.below.has(inner) && NAME.test(inner)) paths.push(`${name}.${inner}`)
  }
  return paths
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}
