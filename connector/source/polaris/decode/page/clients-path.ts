import { type AnswerNode, isInfoClientName } from '../answer-node.ts'

/** Names from a page down to its clients, and the nodes there. */

const isSame = (node: AnswerNode, name: string) => node.name.toLowerCase() === name.toLowerCase()
export const isBlank = (node: AnswerNode) => node.kind === 'absent' || (node.kind === 'text' && !/\S/.test(node.text))
export const isObject = (node: AnswerNode) => node.kind === 'object'

/** The items of lists; other nodes are items themselves. */
export const expanded = (nodes: readonly AnswerNode[]) =>
  nodes.flatMap((node) => (node.kind === 'list' ? node.children : [node]))

/** Fields that Json.NET adds. */
export const isMetadata = ({ name }: AnswerNode) => name === '$id' || name === '$type'

/** Whether the object holds nothing but lists without items. An `InfoClient` is never one. */
export function isEmptyWrapper(node: AnswerNode): boolean {
  if (node.kind !== 'object' || isInfoClientName(node.name)) return false
  return node.children.every((child) => isMetadata(child) || (child.kind === 'list' && child.children.length === 0))
}

/** The items at a place: several nodes, the items of a JSON array, or a single node. A blank one means no items. */
export function itemsOf(nodes: readonly AnswerNode[]): readonly AnswerNode[] {
  const [single, ...others] = nodes
  const isNone = single !== undefined && others.length === 0 && (isBlank(single) || isEmptyWrapper(single))
  return isNone ? [] : expanded(nodes)
}

/** The nodes at a path, and the fields beside its parts below the page. */
export interface Walked {
  readonly nodes: readonly AnswerNode[]
  readonly beside: readonly AnswerNode[]
  /** The last nodes that were found, if those at the path are absent. */
  readonly last: readonly AnswerNode[]
}

export function walk(fields: readonly AnswerNode[], path: readonly string[]): Walked {
  let level = fields
  let last: readonly AnswerNode[] = []
  let beside: readonly AnswerNode[] = []
  for (const [depth, name] of path.entries()) {
    const nodes = level.filter((node) => isSame(node, name))
    // There may be more fields than a call may have arguments.
    if (depth > 0) beside = beside.concat(level.filter((node) => !isSame(node, name)))
    if (nodes.length === 0) return { nodes: [], beside, last }
    last = nodes
    if (depth === path.length - 1) break
    level = expanded(nodes).flatMap((node) => node.children)
  }
  return { nodes: last, beside, last }
}

/** Whether the object holds a text at the dotted path, which is not blank. */
export function bears(node: AnswerNode, path: string): boolean {
  const names = path.split('.')
  const leaves = names.reduce<readonly AnswerNode[]>(
    (nodes, name) => nodes.filter(isObject).flatMap((one) => one.children.filter((field) => field.name === name)),
    [node],
  )
  return leaves.some((leaf) => leaf.kind === 'text' && !isBlank(leaf))
}

/** Deeper objects are not looked at. */
const LEVELS = 4

/** Whether clients are anywhere here: objects that bear the id, or that have the type name of clients. */
export function hasClients(nodes: readonly AnswerNode[], clientId: string | undefined, levels = LEVELS): boolean {
  return nodes.some((node) => {
    if (isObject(node) && (isInfoClientName(node.name) || (clientId !== undefined && bears(node, clientId))))
      return true
    return levels > 0 && hasClients(node.children, clientId, levels - 1)
  })
}
