import { type AnswerNode, isInfoClientName, isMetadata } from '../answer-node.ts'

/** Names from the root of an answer, which has none, down to a field. */
export type Path = readonly string[]

/** What has one name in one object of an answer. */
export interface Field {
  readonly name: string
  readonly path: Path
  /** Whether it is an array, or elements of XML that repeat its name. */
  readonly isList: boolean
  /** The items of the list, or else the only node. */
  readonly items: readonly AnswerNode[]
  /** The objects around it, the root first. */
  readonly parents: readonly Field[]
}

/** Makes the field of the nodes with one name in one object. */
export function fieldOf(nodes: readonly AnswerNode[], parent?: Field): Field {
  const [{ name, kind }] = nodes as readonly [AnswerNode]
  return {
    name,
    path: parent === undefined ? [] : [...parent.path, name],
    isList: nodes.length > 1 || kind === 'list',
    items: nodes.flatMap((node) => (node.kind === 'list' ? node.children : [node])),
    parents: parent === undefined ? [] : [...parent.parents, parent],
  }
}

/** Returns the fields below an object, at all levels: not those in the items of a list, nor those in a closed field. */
export function fieldsBelow(field: Field, isClosed: (field: Field) => boolean): Field[] {
  const [object] = field.items
  if (field.isList || object?.kind !== 'object' || isClosed(field)) return []
  return [...Map.groupBy(object.children, ({ name }) => name).values()].flatMap((nodes) => {
    const child = fieldOf(nodes, field)
    return [child, ...fieldsBelow(child, isClosed)]
  })
}

export const isNamed = ({ name }: Pick<Field, 'name'>, other = '') => name.toLowerCase() === other.toLowerCase()

/** Whether these names are the end of the path to the field. */
export const endsWith = ({ path }: Field, names: Path) =>
  path.slice(-names.length).join('.').toLowerCase() === names.join('.').toLowerCase()

export const isListOfObjects = ({ isList, items }: Field) => isList && items.some(({ kind }) => kind === 'object')

/** Whether the field is an array without items; null and an empty element may be anything else, too. */
export const isEmptyArray = ({ isList, items }: Field) => isList && items.length === 0

/** Whether the field may be an empty list: null, an empty element, or an array without items, maybe in a wrapper. */
export const isEmptyList = (field: Field) => isEmptyArray(field) || (!field.isList && field.items.every(isEmpty))

export function isEmpty(node: AnswerNode): boolean {
  const { kind, name, children } = node
  if (kind === 'text') return isBlank(node)
  if (kind !== 'object') return children.length === 0
  return !isInfoClientName(name) && children.every((child) => (child.kind === 'list' ? isEmpty(child) : isCount(child)))
}

const isBlank = ({ text }: AnswerNode) => !/\S/.test(text)

/** Names of the texts that lists have beside their items. Serializers add others. */
const countName = /^(?:n|nb|nombre|taille|(?:total|page|item|nb|nombre)?_?(?:count|total|size|pages?|items|clients))$/i
const isCount = ({ kind, name }: AnswerNode) => kind === 'text' && (isMetadata(name) || countName.test(name))

/** Whether the node may be a client: an object that is called so, or that has other texts than wrappers of a list. */
export const isClient = (node: AnswerNode) =>
  node.kind === 'object' &&
  (isInfoClientName(node.name) || [node, ...node.children].some((part) => !isBlank(part) && !isCount(part)))

/** Matches the beginning of XML or JSON that is written as a text. */
const document = /^\s*(?:<[\w?!]|[[{][\s[{]*")/

/** Whether clients may be in the node, not counting the fields below it. */
export const mayHoldClients = (node: AnswerNode) =>
  isClient(node) || (node.kind === 'list' ? !isEmpty(node) : document.test(node.text))
