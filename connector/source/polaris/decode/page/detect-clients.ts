import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { type ClientsPlace, shownPath } from '../../../client-source.ts'
import { type AnswerNode, isInfoClientName } from '../answer-node.ts'
import { bears, expanded, isBlank, isEmptyWrapper, isMetadata, isObject } from './clients-path.ts'
import { isErrorName, isMessageName } from './reported-error.ts'

/** A place where the clients could be. */
interface Candidate {
  readonly path: readonly string[]
  /** `list`: several objects, or an array. `wrapped`: one object in another. `object`: one object beside the flag. */
  readonly kind: 'list' | 'wrapped' | 'object'
  /** Whether one of its objects bears the configured id. */
  readonly isBorne: boolean
}

/**
 * Where the clients are among the fields of a page: those named `InfoClient`, or else the only list of objects, or else
 * the only object. Undefined if there are none. An object beside an empty list is no client; one that is found by
 * nothing but its being there is uncertain. Throws `source.mapping` if several places are possible.
 */
export function detectClients(fields: readonly AnswerNode[], clientId: string | undefined): ClientsPlace | undefined {
  const named = infoClients(fields, 2)
  if (named.length > 0) return certain(only(named.map((path) => ({ path }))))
  const candidates = groups(fields).flatMap((nodes) => candidatesIn(nodes, clientId))
  const borne = candidates.filter(({ isBorne }) => isBorne)
  const lists = candidates.filter(({ kind }) => kind === 'list')
  const borneLists = lists.filter(({ isBorne }) => isBorne)
  if (lists.length > 0) return certain(only(borneLists.length > 0 ? borneLists : [...lists, ...borne]))
  const empty = fields.filter(isEmptyList)
  if (candidates.length === 0 || empty.some(({ kind }) => kind === 'list' || kind === 'object')) return undefined
  if (empty.length > 0) return besideBlank(candidates)
  if (borne.length > 0) return certain(only(borne))
  const { path, kind } = only(candidates)
  return { path, isCertain: kind === 'wrapped' }
}

/** A blank element need not be a list. */
function besideBlank(candidates: readonly Candidate[]): ClientsPlace | undefined {
  const mayBeClient = ({ kind, isBorne, path }: Candidate) =>
    isBorne || kind === 'wrapped' || /client/i.test(path[0] ?? '')
  const possible = candidates.find(mayBeClient)
  return possible && { path: possible.path, isCertain: false }
}

const certain = ({ path }: Pick<Candidate, 'path'>): ClientsPlace => ({ path, isCertain: true })

const SHOWN_PLACES = 5

function only<Place extends Pick<Candidate, 'path'>>(places: readonly Place[]): Place {
  const [place, ...others] = places
  if (place !== undefined && others.length === 0) return place
  const names = places.slice(0, SHOWN_PLACES).map(({ path }) => shownPath(path))
  const shown = places.length > SHOWN_PLACES ? [...names, '…'] : names
  throw new ConnectorError(
    'source.mapping',
    `find the clients: several lists could hold them (${shown.join(', ')}); set POLARIS_CLIENTS_FIELD`,
  )
}

/** Whether the field may be an empty list: null, an empty element, or a list without items, maybe in a wrapper. */
export function isEmptyList(field: AnswerNode): boolean {
  if (isBlank(field)) return !isMessageName(field.name)
  return field.kind === 'list' ? field.children.length === 0 : isEmptyWrapper(field)
}

/** The paths of nodes named `InfoClient`, within up to `wrappers` objects; those with content, if there are any. */
function infoClients(fields: readonly AnswerNode[], wrappers: number): (readonly string[])[] {
  const named = groups(fields.filter(({ name }) => isInfoClientName(name)))
  if (named.length > 0) {
    const filled = named.filter((nodes) => !nodes.every(isEmptyList))
    return (filled.length > 0 ? filled : named.slice(0, 1)).map((nodes) => [nameOf(nodes)])
  }
  if (wrappers === 0) return []
  return groups(fields.filter(isObject)).flatMap((nodes) => {
    const below = nodes.flatMap((node) => node.children)
    return infoClients(below, wrappers - 1).map((path) => [nameOf(nodes), ...path])
  })
}

const nameOf = ([node]: readonly AnswerNode[]) => node?.name ?? ''

/** The fields by their name. */
function groups(fields: readonly AnswerNode[]): AnswerNode[][] {
  return [...Map.groupBy(fields, ({ name }) => name).values()]
}

function candidatesIn(nodes: readonly AnswerNode[], clientId: string | undefined): Candidate[] {
  const [node] = nodes
  if (node === undefined || !expanded(nodes).some(isObject)) return []
  if (isListOfObjects(nodes)) return [candidate([node.name], 'list', nodes, clientId)]
  return inOne(node, clientId)
}

const isListOfObjects = (nodes: readonly AnswerNode[]) =>
  (nodes.length > 1 || nodes[0]?.kind === 'list') && expanded(nodes).some(isObject)

/** A single object: a client, or the wrapper of a list, which may have plain fields and attributes beside it. */
function inOne(node: AnswerNode, clientId: string | undefined): Candidate[] {
  const itself = candidate([node.name], 'object', [node], clientId)
  const fields = node.children.filter(({ name }) => !isErrorName(name))
  if (itself.isBorne) return [itself]
  if (fields.length === 0 || isEmptyList(node)) return []
  const inner = groups(fields).filter((nodes) => expanded(nodes).some(isObject))
  const below = inner.map((nodes) => candidate([node.name, nameOf(nodes)], kindOf(nodes), nodes, clientId))
  const borne = below.filter(({ isBorne }) => isBorne)
  const lists = below.filter(({ kind }) => kind === 'list')
  if (borne.length > 0) return borne
  if (lists.length > 0) return lists.length === 1 ? lists : [itself]
  const isPure = below.length === 1 && fields.every((field) => isObject(field) || isMetadata(field))
  return isPure ? below : [itself]
}

const kindOf = (nodes: readonly AnswerNode[]) => (isListOfObjects(nodes) ? 'list' : 'wrapped')

function candidate(
  path: readonly string[],
  kind: Candidate['kind'],
  nodes: readonly AnswerNode[],
  clientId: string | undefined,
): Candidate {
  const isBorne = clientId !== undefined && expanded(nodes).some((item) => bears(item, clientId))
  return { path, kind, isBorne }
}
