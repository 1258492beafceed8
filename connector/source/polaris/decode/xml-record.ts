import type { ClientRecord, ClientValue } from '../../client-source.ts'
import { setField, type WritableRecord } from '../../client-source.ts'
import type { FieldShape } from './field-shape.ts'
import { normaliseText } from './normalise-value.ts'
import type { XmlElement, XmlValue } from './xml-element.ts'

export interface XmlContext {
  readonly shape: FieldShape
  /** IANA name of the server's time zone. */
  readonly timeZone: string
}

/** Name of the field for text beside attributes or child elements. */
const TEXT = '#text'

/** Converts a client element to a record. */
export function xmlRecord(element: XmlElement, context: XmlContext): ClientRecord {
  const building = build(element, context)
  recordShapes(building)
  return building.record
}

/** The value of an element with attributes or child elements. */
function elementValue(element: XmlElement, context: XmlContext): ClientValue {
  const building = build(element, context)
  const list = onlyList(building)
  if (list !== undefined) return list
  recordShapes(building)
  return building.record
}

/** A record being built. */
interface Building {
  readonly record: WritableRecord
  /** Shapes of the children that are not configured as lists. */
  readonly shapes: FieldShape[]
  /** The values of names that occur several times. */
  repeated: Map<string, ClientValue[]> | undefined
  /** The elements of configured lists. */
  listed: Map<FieldShape, XmlValue[]> | undefined
}

/** Hot path. */
function build(element: XmlElement, { shape, timeZone }: XmlContext): Building {
  const { fields, tags, children, text } = element
  const building: Building = { record: {}, shapes: [], repeated: undefined, listed: undefined }
  for (const [name, value] of fields) add(building, name, normaliseText(value, timeZone))
  for (let at = 0; at < children.length; at += 1) {
    const child = children[at]
    const field = shape.child(tags[at] ?? '')
    if (field.isList) collect(building, field, child ?? null)
    else {
      building.shapes.push(field)
      if (typeof child === 'string') add(building, field.name, normaliseText(child, timeZone))
      else if (child != null) add(building, field.name, elementValue(child, { shape: field, timeZone }))
    }
  }
  for (const [field, occurrences] of building.listed ?? []) {
    setList(building.record, field, listOf(occurrences, { shape: field, timeZone }))
  }
  if (text !== '' && text.trim() !== '') add(building, TEXT, normaliseText(text, timeZone))
  return building
}

/** Adds a value, unless it is undefined. A repeated name becomes a list. */
function add(building: Building, name: string, value: ClientValue | undefined): void {
  if (value === undefined) return
  const { record } = building
  if (!Object.hasOwn(record, name)) setField(record, name, value)
  else addAgain(building, name, value)
}

function addAgain(building: Building, name: string, value: ClientValue): void {
  building.repeated ??= new Map()
  const list = building.repeated.get(name)
  if (list !== undefined) return void list.push(value)
  const both = [building.record[name] ?? '', value]
  building.repeated.set(name, both)
  setField(building.record, name, both)
}

/** Remembers an element of a configured list, which keeps its position among the fields. */
function collect(building: Building, field: FieldShape, child: XmlValue): void {
  building.listed ??= new Map()
  const occurrences = building.listed.get(field)
  if (occurrences !== undefined) return void occurrences.push(child)
  building.listed.set(field, [child])
  setField(building.record, field.name, [])
}

/** The list of a wrapper element: all its children have the same name, and several have a value. */
function onlyList({ record, shapes, repeated }: Building): readonly ClientValue[] | undefined {
  if (repeated === undefined || shapes.length < 2) return undefined
  const [only, ...others] = Object.keys(record)
  return only === undefined || others.length > 0 ? undefined : repeated.get(only)
}

function setList(record: WritableRecord, shape: FieldShape, list: readonly ClientValue[] | undefined): void {
  if (list === undefined) delete record[shape.name]
  else setField(record, shape.name, list)
}

/** Ignores empty values: they have no known shape. */
function recordShapes({ record, shapes }: Building): void {
  for (const shape of shapes) {
    const value = record[shape.name]
    if (value !== undefined && value !== '') shape.seen(Array.isArray(value) ? 'list' : 'one')
  }
}

/**
 * The items of a configured list. Several elements are the items themselves. A single element is a wrapper of the items
 * if all its children have the same name; otherwise it is the only item. Undefined if it is nil.
 */
function listOf(occurrences: readonly XmlValue[], context: XmlContext): readonly ClientValue[] | undefined {
  const [single, ...others] = occurrences
  if (single === undefined) return undefined
  if (others.length > 0) return valuesOf(occurrences, context)
  if (single === null) return undefined
  if (typeof single !== 'string' && new Set(single.tags).size === 1) return valuesOf(single.children, context)
  return valuesOf([single], context).filter((value) => typeof value !== 'string' || value.trim() !== '')
}

function valuesOf(items: readonly XmlValue[], context: XmlContext): ClientValue[] {
  return items.map((item) => itemOf(item, context)).filter((value) => value !== undefined)
}

function itemOf(item: XmlValue, context: XmlContext): ClientValue | undefined {
  if (item === null) return undefined
  return typeof item === 'string' ? normaliseText(item, context.timeZone) : elementValue(item, context)
}
