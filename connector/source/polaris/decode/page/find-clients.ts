import { ConnectorError } from '../../../../runtime/connector-error.ts'
import { shownPath } from '../../../client-source.ts'
import { type AnswerNode, isInfoClientName } from '../answer-node.ts'
import {
  type Field,
  fieldOf,
  isClient,
  isEmpty,
  isEmptyArray,
  isEmptyList,
  isListOfObjects,
  isNamed,
  mayHoldClients,
  type Path,
} from './page-fields.ts'

/** Where the clients are: configured, or as in earlier pages. */
export interface KnownPath {
  readonly path: Path
  readonly isConfigured: boolean
}

/** The list of clients of a page. */
interface Place {
  readonly path: Path
  /** The clients; none if it is null or empty. */
  readonly items: readonly AnswerNode[]
  /** Whether later pages have their clients here, too. */
  readonly isKept: boolean
}

/** A place, and where the clients may be instead. */
type Found = readonly [place: Place | undefined, rivals: readonly Pick<Field, 'path'>[]]

/**
 * Finds the clients among the fields of an answer (docs/decisions/20261207-a-page-is-one-tree.md): at the known path,
 * or else those called `InfoClient`, or else the only list of objects, or an empty array. Returns undefined if the page
 * has no list. Throws `source.mapping`, with the paths, if clients may be elsewhere: nothing is passed over. `around`:
 * the objects around flag and token, which are not among the fields.
 */
export function findClients(fields: readonly Field[], known: KnownPath | undefined, around: readonly Field[]) {
  const [place, rivals] = known === undefined ? detectedPlace(fields, around) : knownPlace(fields, around, known)
  if (rivals.length > 0) {
    const paths = [place ?? [], rivals].flat().map(({ path }) => shownPath(path))
    const why = known !== undefined && place === undefined ? `the page has no list at ${shownPath(known.path)}; ` : ''
    const places = [...new Set(paths)].slice(0, 5).join(' or ')
    throw new ConnectorError(
      'source.mapping',
      `find the clients: ${why}they may be at ${places}; set POLARIS_CLIENTS_FIELD to the path of the list`,
    )
  }
  const empty = fields.find((field) => isIn(around, field) && isEmptyList(field))
  return place ?? (empty && { path: empty.path, items: [], isKept: false })
}

/** Whether the field is in one of the objects, not deeper. */
const isIn = (objects: readonly Field[], { parents }: Field) => objects.includes(parents.at(-1) as Field)

const isNamedClients = (field: Field) => isInfoClientName(field.name) && !isEmptyList(field)
const isList = (field: Field) => isNamedClients(field) || isListOfObjects(field)
const mayBeClients = (field: Field) => isList(field) || field.items.some(mayHoldClients)

/** Detects the list. The word `client` in its path decides that an object beside the list is no single client. */
function detectedPlace(fields: readonly Field[], around: readonly Field[]): Found {
  const isAfterClients = ({ name, parents }: Field) =>
    [...parents.filter((parent) => !around.includes(parent)), { name }].some((one) => /client/i.test(one.name))
  const arrays = fields.filter(isEmptyArray)
  const lists = [fields.filter(isNamedClients), fields.filter(isList), arrays.filter(isAfterClients), arrays]
  const [list] = lists.flat()
  if (list === undefined) return [undefined, fields.filter(mayBeClients)]
  const { path, items, parents } = list
  const isInfoClient = isNamedClients(list)
  const isDecided = isAfterClients(list)
  const isUndecided = (field: Field) =>
    isEmptyList(field)
      ? items.length > 0 && (isEmptyArray(field) || (!isDecided && isAfterClients(field)))
      : mayBeClients(field) && (parents.includes(field) || !isDecided || isAfterClients(field))
  const others = fields.filter((field) => field !== list)
  const isEmptyBeside = (field: Field) => isIn([...around, ...parents], field) && isEmptyList(field)
  const isKept = items.length > 0 && (isInfoClient || !others.some(isEmptyBeside))
  return [{ path, items, isKept }, others.filter((field) => isList(field) || (!isInfoClient && isUndecided(field)))]
}

/** Finds the list at the known path, which may begin in any object. Other lists beside a configured one are allowed. */
function knownPlace(fields: readonly Field[], around: readonly Field[], { path, isConfigured }: KnownPath): Found {
  const places = [...around, ...fields].flatMap((start): Place[] => {
    const items = isNamed(start, path[0]) ? itemsAt(start, path.slice(1)) : undefined
    return items === undefined ? [] : [{ path: [...start.path, ...path.slice(1)], items, isKept: items.length > 0 }]
  })
  const full = places.filter(({ isKept }) => isKept)
  const [place = places[0]] = full
  if (place === undefined) return [undefined, fields.filter(mayBeClients)]
  const isOnTheWay = (field: Field) => field.path.every((name, at) => isNamed({ name }, place.path[at]))
  const others = fields.filter((field) => !isOnTheWay(field) && (isConfigured ? isNamedClients : isList)(field))
  return [place, [...full.slice(1), ...others]]
}

/** Returns what is at the path below a field, or nothing; undefined if something else is there or on the way. */
function itemsAt(field: Field, [name, ...names]: Path): readonly AnswerNode[] | undefined {
  const { isList, items } = field
  if (isEmptyList(field)) return []
  if (name === undefined && (isList || items.some(isClient))) return items
  const below = items.flatMap((item) => (item.kind === 'text' ? item : item.children))
  const next = below.filter((node) => isNamed(node, name))
  if (next.length > 0) return itemsAt(fieldOf(next, field), names)
  if (!below.every(isNothing)) return undefined
  return name === undefined ? items : []
}

/** Whether no client is in the node: an empty list, or a text. */
const isNothing = (node: AnswerNode) => isEmpty(node) || (node.kind === 'text' && !mayHoldClients(node))
