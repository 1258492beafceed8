/** A well-formed document. */
export interface AnswerDocument {
  readonly root: AnswerNode
  /** Number of characters that XML forbids, which were decoded to U+FFFD. */
  readonly replacedCharacters: number
}

/** The content of an element of XML or a value of JSON. Null: nil, or null. */
export type Value = string | number | boolean | null | readonly Value[] | ObjectValue
/** A value with named children. */
export type ObjectValue = Element | { readonly [name: string]: Value }

/** An element of XML: its attributes and child elements, whose names may repeat, and the text beside them. */
export class Element {
  readonly names: readonly string[]
  readonly values: readonly Value[]
  readonly text: string

  constructor(names: readonly string[], values: readonly Value[], text: string) {
    this.names = names
    this.values = values
    this.text = text
  }
}

export const isListOfValues = (value: Value): value is readonly Value[] => Array.isArray(value)
export const isObjectValue = (value: Value): value is ObjectValue =>
  typeof value === 'object' && value !== null && !isListOfValues(value)

/** Whether .NET serializers add the field to JSON. In XML they are attributes, which are ignored too. */
export const isMetadata = (name: string) => name === '__type' || name === '$type' || name === '$id'

/** Name of the field with which a serializer points to an object that it has written elsewhere. */
export const REFERENCE = '$ref'

/** Returns the items of a list that Json.NET writes as an object beside metadata; undefined if it is none. */
export function wrappedItems(value: Value): readonly Value[] | undefined {
  if (!isObjectValue(value) || value instanceof Element) return undefined
  const { $values: items = null } = value
  const isWrapped = isListOfValues(items) && Object.keys(value).every((name) => name === '$values' || isMetadata(name))
  return isWrapped ? items : undefined
}

/** One element of a document in either format. Creates its children at each read: clients are read without them. */
export class AnswerNode {
  /** Local name, without namespace prefix; empty at the root of a JSON document. */
  readonly name: string
  /** `absent`: null or nil. `text`: a leaf. `object`: has named children. `list`: a JSON array; items bear its name. */
  readonly kind: 'absent' | 'text' | 'object' | 'list'
  /** The verbatim text of a leaf; of an object, the text beside its attributes and child elements; else empty. */
  readonly text: string
  readonly value: Value

  /** A list that Json.NET writes as an object is that list. */
  constructor(name: string, written: Value) {
    const value = wrappedItems(written) ?? written
    const isLeaf = typeof value !== 'object'
    this.name = name
    this.kind = value === null ? 'absent' : isLeaf ? 'text' : isListOfValues(value) ? 'list' : 'object'
    this.text = isLeaf ? String(value) : value instanceof Element ? value.text : ''
    this.value = value
  }

  get children(): readonly AnswerNode[] {
    const { value } = this
    if (value === null || typeof value !== 'object') return []
    if (isListOfValues(value)) return value.map((item) => new AnswerNode(this.name, item))
    if (value instanceof Element) return value.names.map((name, at) => new AnswerNode(name, value.values[at] ?? null))
    return Object.entries(value).map(([name, field]) => new AnswerNode(name, field))
  }
}

/** A page has these fields, whose names are compared without case. */
export const FLAG = 'hasmoreresults'
export const TOKEN = 'checkpoint'

/** Whether the local name is the type name of a client, with or without a dotted class name before it. */
export const isInfoClientName = (name: string) => /(?:^|\.)InfoClient$/i.test(name)
