import { ConnectorError } from '../../runtime/connector-error.ts'
import type { AnswerNode } from './answer-node.ts'
import { isInfoClientName } from './page-names.ts'

/** The items of the list of clients. */
export interface FoundClients {
  readonly items: readonly AnswerNode[]
  /** Whether the page has a list of clients, which may be null or empty. */
  readonly hasList: boolean
}

/**
 * The clients among the fields of a page: those at the configured path (dotted, compared without case), or else those
 * named `InfoClient`, or else the items of the only list of objects. Throws `source.mapping` if there are several lists.
 */
export function findClients(fields: readonly AnswerNode[], clientsField: string | undefined): FoundClients {
  if (clientsField !== undefined) return listOf(atPath(fields, clientsField.toLowerCase().split('.')))
  const named = infoClients(fields, 2)
  if (named.length > 0) return listOf(named)

  const names = [...new Set(fields.filter(holdsObjects).map((field) => field.name))]
  const [name, ...others] = names
  if (others.length > 0) {
    throw new ConnectorError(
      'source.mapping',
      `find the clients: several lists could hold them (${names.join(', ')}); set POLARIS_CLIENTS_FIELD`,
    )
  }
  if (name === undefined) return { items: [], hasList: fields.some(isEmpty) }
  return listOf(fields.filter((field) => field.name === name))
}

const listOf = (nodes: readonly AnswerNode[]): FoundClients => ({ items: itemsOf(nodes), hasList: nodes.length > 0 })

/** Whether the field may be an empty list: null, a list without items, or an empty element. */
function isEmpty(field: AnswerNode): boolean {
  return isBlank(field) || (field.kind === 'list' && field.children().length === 0)
}

const isBlank = (node: AnswerNode) => node.kind === 'absent' || (node.kind === 'text' && node.text().trim() === '')

/**
 * The nodes at the configured path. They may be absent only if nothing else could be the clients: a misspelt setting
 * must not lose clients.
 */
function atPath(fields: readonly AnswerNode[], [name, ...rest]: readonly string[]): readonly AnswerNode[] {
  const found = fields.filter((field) => field.name.toLowerCase() === name)
  const others = fields.filter(holdsObjects)
  if (found.length === 0 && others.length > 0) {
    const names = [...new Set(others.map((field) => field.name))].join(', ')
    throw new ConnectorError(
      'source.mapping',
      `find the clients: the field in POLARIS_CLIENTS_FIELD is missing; the page has ${names}`,
    )
  }
  const below = () => found.flatMap((field) => field.children())
  return rest.length === 0 ? found : atPath(below(), rest)
}

const isInfoClient = (node: AnswerNode) => isInfoClientName(node.name)

/** The nodes named `InfoClient`, within up to `wrappers` objects. */
function infoClients(fields: readonly AnswerNode[], wrappers: number): readonly AnswerNode[] {
  const found = fields.filter(isInfoClient)
  if (found.length > 0 || wrappers === 0) return found
  return infoClients(
    fields.filter((field) => field.kind === 'object').flatMap((field) => field.children()),
    wrappers - 1,
  )
}

function holdsObjects(field: AnswerNode): boolean {
  return field.kind === 'object' || (field.kind === 'list' && field.children().some((item) => item.kind === 'object'))
}

/**
 * The items of one list, given as the nodes with its name. Several nodes are the items themselves. A single node is a
 * JSON array, a wrapper (objects and lists only), or the only item. No node, null and empty mean no items.
 */
function itemsOf(nodes: readonly AnswerNode[]): readonly AnswerNode[] {
  const [single, ...others] = nodes
  if (single === undefined) return []
  if (others.length > 0) return nodes.flatMap((node) => (node.kind === 'list' ? node.children() : [node]))
  if (single.kind === 'list') return single.children()
  if (isBlank(single)) return []
  if (isInfoClient(single)) return [single]
  const inner = single.children().filter(isInfoClient)
  if (inner.length > 0) return itemsOf(inner)
  return isWrapper(single) ? itemsOfWrapper(single) : [single]
}

function isWrapper(node: AnswerNode): boolean {
  const children = node.children()
  const names = new Set(children.map((child) => child.name))
  return node.kind === 'object' && names.size <= 1 && children.every((child) => child.kind !== 'text')
}

function itemsOfWrapper(node: AnswerNode): readonly AnswerNode[] {
  return node.children().flatMap((child) => (child.kind === 'list' ? child.children() : [child]))
}
