import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { type ClientsPlace, type KnownClients, shownPath } from '../../../client-source.ts'
import type { AnswerNode } from '../answer-node.ts'
import { hasClients, isBlank, itemsOf, walk } from './clients-path.ts'
import { detectClients, isEmptyList } from './detect-clients.ts'

/** The items of the list of clients. */
export interface FoundClients {
  readonly items: readonly AnswerNode[]
  /** Whether the page has a list of clients, which may be null or empty. */
  readonly hasList: boolean
  /** Undefined: there are no items. */
  readonly place: ClientsPlace | undefined
  /** The fields beside the list in its wrappers. */
  readonly beside: readonly AnswerNode[]
}

export interface FindSettings {
  /** Dotted path of the list of clients in the page; undefined: detected. */
  readonly clientsField?: string | undefined
  /** What is known from earlier pages. */
  readonly known?: KnownClients | undefined
}

/**
 * The clients among the fields of a page: where earlier pages had them, or else at or below the configured path, or
 * else where they are detected. Throws `source.mapping` if they are elsewhere, or may be in several places.
 */
export function findClients(fields: readonly AnswerNode[], { clientsField, known = {} }: FindSettings): FoundClients {
  if (known.path !== undefined) return atKnown(fields, known.path, known.clientId)
  if (clientsField !== undefined) return atConfigured(fields, clientsField.split('.'), known.clientId)
  const place = detectClients(fields, known.clientId)
  if (place === undefined) return { ...nothing, hasList: fields.some(isEmptyList) }
  return atPlace(fields, place)
}

const nothing: FoundClients = { items: [], hasList: false, place: undefined, beside: [] }

function atPlace(fields: readonly AnswerNode[], place: ClientsPlace): FoundClients {
  const { nodes, beside } = walk(fields, place.path)
  const items = itemsOf(nodes)
  return { items, hasList: true, place: items.length === 0 ? undefined : place, beside }
}

/** A page without the list has no clients, unless there are some elsewhere. */
function atKnown(fields: readonly AnswerNode[], path: readonly string[], clientId: string | undefined): FoundClients {
  const { nodes, beside, last } = walk(fields, path)
  if (nodes.length > 0) return atPlace(fields, { path, isCertain: true })
  if (hasClients(fields, clientId))
    throw mapping(`the page has clients, but not at ${shownPath(path)} as pages before; set POLARIS_CLIENTS_FIELD`)
  if (last.some((node) => node.kind === 'text' && !isBlank(node)))
    throw new ConnectorError('source.answer-malformed', 'find the clients: there is a text instead of the list')
  return { ...nothing, hasList: last.length > 0, beside }
}

/**
 * The configured field may be absent only if nothing else could be the clients: a misspelt setting must not lose
 * clients. A single object may be the only client, or belong to an empty page.
 */
function atConfigured(
  fields: readonly AnswerNode[],
  path: readonly string[],
  clientId: string | undefined,
): FoundClients {
  const { nodes, beside, last } = walk(fields, path)
  if (nodes.length === 0) {
    const other = detectClients(last.length === 0 ? fields : last.flatMap((node) => node.children), clientId)
    if (other?.isCertain === true)
      throw mapping(`the field in POLARIS_CLIENTS_FIELD is missing; the page has ${shownPath(other.path)}`)
    if (other !== undefined) return atPlace(fields, other)
    return { ...nothing, hasList: last.length > 0, beside }
  }
  const [single, ...others] = nodes
  const inner = others.length === 0 && single?.kind === 'object' ? innerPath(single, clientId) : undefined
  return atPlace(fields, { path: [...path, ...(inner ?? [])], isCertain: true })
}

/** The path within the configured object, if that is only the wrapper of the list. */
function innerPath(node: AnswerNode, clientId: string | undefined): readonly string[] | undefined {
  const place = detectClients([node], clientId)
  return place?.isCertain === true ? place.path.slice(1) : undefined
}

const mapping = (why: string) => new ConnectorError('source.mapping', `find the clients: ${why}`)
