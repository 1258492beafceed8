import { ConnectorError } from '../runtime/connector-error.ts'
import type { AnswerNode } from './answer-node.ts'

/**
 * The items of the list of clients among the fields of a page: the configured one (dotted path, compared without case); else what is
 * named `InfoClient`; else the only list of objects there is. None: an empty page. Throws `source.mapping` when several may be it.
 */
export function findClients(fields: readonly AnswerNode[], clientsField: string | undefined): readonly AnswerNode[] {
  if (clientsField !== undefined) return itemsOf(atPath(fields, clientsField.toLowerCase().split('.')))
  const named = infoClients(fields, 2)
  if (named.length > 0) return itemsOf(named)

  const names = [...new Set(fields.filter(holdsObjects).map((field) => field.name))]
  const [name, ...others] = names
  if (others.length > 0) {
    throw new ConnectorError(
      'source.mapping',
      `find the clients: several lists may be it (${names.join(', ')}); set POLARIS_CLIENTS_FIELD`,
    )
  }
  return itemsOf(fields.filter((field) => field.name === name))
}

/** The nodes at the configured path. They may be absent, unless something else there could be clients: a misspelt name must lose none. */
function atPath(fields: readonly AnswerNode[], [name, ...rest]: readonly string[]): readonly AnswerNode[] {
  const found = fields.filter((field) => field.name.toLowerCase() === name)
  const others = fields.filter(holdsObjects)
  if (found.length === 0 && others.length > 0) {
    const names = [...new Set(others.map((field) => field.name))].join(', ')
    throw new ConnectorError(
      'source.mapping',
      `find the clients: POLARIS_CLIENTS_FIELD is not in the page, but ${names}`,
    )
  }
  const below = () => found.flatMap((field) => field.children())
  return rest.length === 0 ? found : atPath(below(), rest)
}

/** The type name of a client, after a dotted class name too. */
const isInfoClient = (node: AnswerNode) => /(?:^|\.)InfoClient$/i.test(node.name)

/** Nodes named `InfoClient`, a few wrappers deep. */
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
 * The items of one list, given as nodes of one name: several are the items themselves; a single one is a JSON array, a wrapper
 * (objects and lists only), or the only item. Nothing, null and empty: no items.
 */
function itemsOf(nodes: readonly AnswerNode[]): readonly AnswerNode[] {
  const [single, ...others] = nodes
  if (single === undefined) return []
  if (others.length > 0) return nodes.flatMap((node) => (node.kind === 'list' ? node.children() : [node]))
  if (single.kind === 'list') return single.children()
  if (single.kind === 'absent' || (single.kind === 'text' && single.text().trim() === '')) return []
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
