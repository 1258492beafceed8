import type { ClientRecord, ClientValue } from './client-source.ts'
import type { FieldShape } from './field-shape.ts'
import { normaliseText } from './normalise-value.ts'
import { setField, type WritableRecord } from './set-field.ts'
import {
  type AttributeFields,
  attributeFields,
  attributesOf,
  childrenOf,
  isNil,
  isText,
  TEXT,
  tagOf,
  textOf,
  type XmlChild,
} from './xml-tree.ts'

/** What is being turned into a value: which field, and the server's zone. */
export interface XmlContext {
  readonly shape: FieldShape
  readonly timeZone: string
}

/** A client element as a record. */
export function xmlRecord(element: XmlChild, context: XmlContext): ClientRecord {
  const attributes = attributesOf(element)
  const built = build(
    childrenOf(element, tagOf(element)),
    attributes === undefined ? [] : attributeFields(attributes),
    context,
  )
  built.noteShapes()
  return built.record
}

/** The value of one element; undefined when it is nil or stands for no value. Called for every element. */
function valueIn(element: XmlChild, tag: string, context: XmlContext): ClientValue | undefined {
  const children = childrenOf(element, tag)
  const attributes = attributesOf(element)
  if (attributes === undefined) {
    if (children.length === 0) return ''
    const only = children.length === 1 ? children[0]?.[TEXT] : undefined
    if (typeof only === 'string') return normaliseText(only, context.timeZone)
  } else if (isNil(attributes)) return undefined

  const fields = attributes === undefined ? [] : attributeFields(attributes)
  if (fields.length === 0 && children.every(isText)) return normaliseText(textOf(children), context.timeZone)
  const built = build(children, fields, context)
  // A wrapper: all its children repeat one name.
  if (built.onlyList !== undefined) return built.onlyList
  built.noteShapes()
  return built.record
}

interface Built {
  readonly record: ClientRecord
  /** The values of the one name that all children share, if there are several. */
  readonly onlyList: readonly ClientValue[] | undefined
  noteShapes(): void
}

function build(children: readonly XmlChild[], attributes: AttributeFields, context: XmlContext): Built {
  const { timeZone } = context
  const fields = fieldCollector()
  const shapes: FieldShape[] = []
  let listed: Map<FieldShape, XmlChild[]> | undefined
  let text = ''
  for (const [name, value] of attributes) fields.add(name, normaliseText(value, timeZone))
  for (const child of children) {
    const tag = tagOf(child)
    if (tag === TEXT) {
      text += child[TEXT]
      continue
    }
    const shape = context.shape.child(tag)
    if (shape.isList) {
      listed ??= new Map()
      const occurrences = listed.get(shape) ?? []
      if (occurrences.push(child) > 1) continue
      listed.set(shape, occurrences)
      setField(fields.record, shape.name, []) // holds its place
    } else {
      shapes.push(shape)
      fields.add(shape.name, valueIn(child, tag, { shape, timeZone }))
    }
  }
  for (const [shape, occurrences] of listed ?? []) {
    setList(fields.record, shape, listOf(occurrences, { shape, timeZone }))
  }
  if (text !== '' && text.trim() !== '') fields.add(TEXT, normaliseText(text, timeZone))
  return {
    record: fields.record,
    onlyList: shapes.length > 1 ? fields.onlyList() : undefined,
    noteShapes: () => noteShapes(fields.record, shapes),
  }
}

interface FieldCollector {
  readonly record: WritableRecord
  /** Adds a value, unless there is none; a name that repeats becomes a list. */
  add(name: string, value: ClientValue | undefined): void
  /** The list, if it is the only field and its name repeated. */
  onlyList(): readonly ClientValue[] | undefined
}

function fieldCollector(): FieldCollector {
  const record: WritableRecord = {}
  let repeated: Map<string, ClientValue[]> | undefined
  return {
    record,
    add: (name, value) => {
      if (value === undefined) return
      if (!Object.hasOwn(record, name)) return setField(record, name, value)
      repeated ??= new Map()
      const list = repeated.get(name)
      if (list !== undefined) return void list.push(value)
      const both = [record[name] ?? '', value]
      repeated.set(name, both)
      setField(record, name, both)
    },
    onlyList: () => {
      const [only, ...others] = Object.keys(record)
      return only === undefined || others.length > 0 ? undefined : repeated?.get(only)
    },
  }
}

function setList(record: WritableRecord, shape: FieldShape, list: readonly ClientValue[] | undefined): void {
  if (list === undefined) delete record[shape.name]
  else setField(record, shape.name, list)
}

/** An empty value tells nothing about the shape. */
function noteShapes(record: ClientRecord, shapes: readonly FieldShape[]): void {
  for (const shape of shapes) {
    const value = record[shape.name]
    if (value !== undefined && value !== '') shape.seen(Array.isArray(value) ? 'list' : 'one')
  }
}

/**
 * The items of a configured list: several elements are the items themselves; of a single one the children, if they share one name
 * (wrapper and item name dissolve), else it is the only item. Undefined when it is nil.
 */
function listOf(occurrences: readonly XmlChild[], context: XmlContext): readonly ClientValue[] | undefined {
  const [single, ...others] = occurrences
  if (single === undefined) return undefined
  if (others.length > 0) return valuesOf(occurrences, context)
  const attributes = attributesOf(single)
  if (attributes !== undefined && isNil(attributes)) return undefined
  const elements = childrenOf(single, tagOf(single)).filter((child) => !isText(child))
  if (new Set(elements.map(tagOf)).size === 1) return valuesOf(elements, context)
  return valuesOf([single], context).filter((value) => typeof value !== 'string' || value.trim() !== '')
}

function valuesOf(elements: readonly XmlChild[], context: XmlContext): ClientValue[] {
  return elements.map((element) => valueIn(element, tagOf(element), context)).filter((value) => value !== undefined)
}
