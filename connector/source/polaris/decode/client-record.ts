import { type ClientField, type ClientRecord, type ClientValue, recordOf } from '../../client-source.ts'
import type { AnswerNode } from './answer-node.ts'
import { normaliseText } from './normalise-value.ts'

/** Name of the field for text beside attributes or child elements. */
const TEXT = '#text'

/** Whether .NET serializers add the field to JSON. In XML they are attributes, which are ignored too. */
const isMetadata = (name: string) => name === '__type' || name === '$type' || name === '$id'

/**
 * The node as a client: leaves keep their text, absent values are left out. Empty if the node is not an object.
 * `timeZone`: IANA name of the server's.
 */
export function clientRecord(node: AnswerNode, timeZone: string): ClientRecord {
  const fields = node.kind === 'object' ? fieldsOf(node, timeZone) : []
  const record = recordOf(fields)
  return Object.keys(record).length === fields.length ? record : recordOf(withLists(fields))
}

/** Hot path. */
function fieldsOf({ children, text }: AnswerNode, timeZone: string): readonly ClientField[] {
  const fields: ClientField[] = []
  for (const child of children) {
    const value = isMetadata(child.name) ? undefined : valueIn(child, timeZone)
    if (value !== undefined) fields.push([child.name, value])
  }
  const beside = text === '' || text.trim() === '' ? undefined : normaliseText(text, timeZone)
  if (beside !== undefined) fields.push([TEXT, beside])
  return fields
}

/** Undefined: absent. */
function valueIn(node: AnswerNode, timeZone: string): ClientValue | undefined {
  if (node.kind === 'text') return normaliseText(node.text, timeZone)
  if (node.kind === 'absent') return undefined
  if (node.kind === 'list')
    return node.children.map((item) => valueIn(item, timeZone)).filter((value) => value !== undefined)
  const fields = fieldsOf(node, timeZone)
  const record = recordOf(fields)
  const names = Object.keys(record).length
  if (names === fields.length) return record
  const lists = withLists(fields)
  // An element around several with the same name is their list.
  return names === 1 ? lists[0]?.[1] : recordOf(lists)
}

/** Each name once: one that occurs several times, as that of an element may, has the list of its values. */
function withLists(fields: readonly ClientField[]): readonly ClientField[] {
  const valuesOf = (same: readonly ClientField[]) => same.map(([, value]) => value)
  return Array.from(
    Map.groupBy(fields, ([name]) => name),
    ([name, same]): ClientField => [name, same.length === 1 ? (same[0]?.[1] ?? '') : valuesOf(same)],
  )
}
