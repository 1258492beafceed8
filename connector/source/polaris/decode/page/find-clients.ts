import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { shownPath } from '../../../client-source.ts'
import { type AnswerNode, isInfoClientName } from '../answer-node.ts'

/** The items of the list of clients. */
export interface FoundClients {
  readonly items: readonly AnswerNode[]
  /** Whether the page has a list of clients, which may be null or empty. */
  readonly hasList: boolean
  /** The names from the page down to the clients; undefined: there are none. */
  readonly path: readonly string[] | undefined
  /** The fields beside the list in its wrappers. */
  readonly beside: readonly AnswerNode[]
}

type Path = readonly string[]

/**
 * Finds the clients among the fields of a page: at the configured path or the one of earlier pages, or else those named
 * `InfoClient`, or else the only list of objects. Throws `source.mapping`, with the names found, if they are elsewhere
 * or may be in several places: nothing is passed over.
 */
export function findClients(fields: readonly AnswerNode[], known: Path | undefined): FoundClients {
  const found = known === undefined ? detectedClients(fields) : clientsAt(fields, known)
  if (found !== undefined) return found
  const single = singlePath(fields)
  if (known !== undefined) {
    const elsewhere = detectedPath(fields) ?? single
    if (elsewhere !== undefined)
      throw mappingError(`the page has no field ${shownPath(known)}, but ${shownPath(elsewhere)}`)
  } else if (single !== undefined && !fields.some(isEmptyArray)) {
    const names = shownNames(fields.map(({ name }) => [name]))
    throw mappingError(`no list is among the fields ${names}; a single client may be at ${shownPath(single)}`)
  }
  return { items: [], hasList: fields.some(isEmptyList), path: undefined, beside: [] }
}

const mappingError = (why: string) =>
  new ConnectorError('source.mapping', `find the clients: ${why}; set POLARIS_CLIENTS_FIELD to the path of the list`)

/** Returns the clients at a path; undefined if there is no such field. */
function clientsAt(fields: readonly AnswerNode[], path: Path): FoundClients | undefined {
  let level = fields
  let beside: readonly AnswerNode[] = []
  for (const [depth, name] of path.entries()) {
    const isHere = (node: AnswerNode) => node.name.toLowerCase() === name.toLowerCase()
    const nodes = level.filter(isHere)
    // A wrapper with nothing but texts, such as a number of items, has no items.
    if (nodes.length === 0 && depth > 0 && level.length > 0 && !level.some(mayBeClients))
      return { ...listOf([], path), beside }
    // A page may have more fields than a call may have arguments.
    if (depth > 0) beside = beside.concat(level.filter((node) => !isHere(node)))
    if (depth === path.length - 1 && nodes.length > 0) return { ...listOf(nodes, path), beside }
    level = itemsOf(nodes).flatMap((node) => node.children)
    if (nodes.length > 0 && level.length === 0 && nodes.every(isEmptyList)) return { ...listOf([], path), beside }
  }
  return undefined
}

function listOf(nodes: readonly AnswerNode[], path: Path): Omit<FoundClients, 'beside'> {
  const isNone = nodes.length === 1 && nodes.every(isEmptyList)
  const items = isNone ? [] : itemsOf(nodes)
  return { items, hasList: true, path: items.length === 0 ? undefined : path }
}

const WRAPPERS = 2

/** Detects the list of clients. Its path is kept only if no empty field beside it can be the list of clients. */
function detectedClients(fields: readonly AnswerNode[]): FoundClients | undefined {
  const path = detectedPath(fields)
  const found = path && clientsAt(fields, path)
  if (found === undefined) return undefined
  const others = [...fields.filter(({ name }) => name !== path?.[0]), ...found.beside]
  const isCertain = isInfoClientName(path?.at(-1) ?? '') || !others.some(isEmptyList)
  return { ...found, path: isCertain ? found.path : undefined }
}

function detectedPath(fields: readonly AnswerNode[]): Path | undefined {
  const named = placesOf(fields, isInfoClient, WRAPPERS)
  const [path, ...others] = named.length > 0 ? named : placesOf(fields, isListOfObjects, WRAPPERS)
  if (path === undefined) return undefined
  const empty = named.length > 0 ? [] : placesOf(fields, (nodes) => nodes.every(isEmptyArray), WRAPPERS)
  if (others.length + empty.length > 0)
    throw mappingError(`several lists could hold them (${shownNames([path, ...others, ...empty])})`)
  return path
}

/**
 * Returns where a single client may be: the innermost object that is alone in those around it; undefined if there is no
 * object.
 */
function singlePath(fields: readonly AnswerNode[], wrappers = WRAPPERS): Path | undefined {
  const object = fields.find((field) => isObject(field) && !isEmptyWrapper(field))
  if (object === undefined) return undefined
  const inner = object.children.length === 1 && wrappers > 0 ? singlePath(object.children, wrappers - 1) : undefined
  return [object.name, ...(inner ?? [])]
}

const shownNames = (paths: readonly Path[]) => [...new Set(paths.slice(0, 5).map(shownPath))].join(', ')

/** Returns the paths of the fields that are such a list, within objects or up to so many wrappers; not below one. */
function placesOf(
  fields: readonly AnswerNode[],
  isPlace: (nodes: readonly AnswerNode[]) => boolean,
  wrappers: number,
): Path[] {
  return [...Map.groupBy(fields, ({ name }) => name)].flatMap(([name, nodes]): Path[] => {
    if (isPlace(nodes)) return [[name]]
    const [only] = nodes
    if (only === undefined || nodes.length > 1 || !isObject(only) || wrappers === 0) return []
    return placesOf(only.children, isPlace, wrappers - 1).map((path) => [name, ...path])
  })
}

const isInfoClient = (nodes: readonly AnswerNode[]) => isInfoClientName(nodes[0]?.name ?? '')
const isListOfObjects = (nodes: readonly AnswerNode[]) =>
  (nodes.length > 1 || nodes[0]?.kind === 'list') && itemsOf(nodes).some(isObject)

const isObject = ({ kind }: AnswerNode) => kind === 'object'
const mayBeClients = (node: AnswerNode) => isObject(node) || (node.kind === 'list' && !isEmptyArray(node))

/** Returns the items of lists; other nodes are items themselves. */
const itemsOf = (nodes: readonly AnswerNode[]) =>
  nodes.flatMap((node) => (node.kind === 'list' ? node.children : [node]))

/**
 * Whether the field is an array without items, which is the list even beside objects; an empty element may be anything,
 * and the object beside it a single client.
 */
const isEmptyArray = ({ kind, children }: AnswerNode) => kind === 'list' && children.length === 0

/** Whether the field may be an empty list: null, an empty element, or a list without items, maybe in a wrapper. */
function isEmptyList(field: AnswerNode) {
  if (field.kind === 'text') return !/\S/.test(field.text)
  return field.kind === 'absent' || isEmptyArray(field) || isEmptyWrapper(field)
}

/** Whether the object holds nothing but lists without items, and fields that Json.NET adds. */
function isEmptyWrapper({ kind, name, children }: AnswerNode) {
  if (kind !== 'object' || isInfoClientName(name)) return false
  return children.every((child) => /^\$(?:id|type)$/.test(child.name) || isEmptyArray(child))
}
