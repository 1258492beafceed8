import type { ClientRecord, ClientValue } from '../../client-source.ts'
import { setField, type WritableRecord } from '../../client-source.ts'
import { normaliseText } from './normalise-value.ts'
import { localName, type XmlElement } from './xml-element.ts'

/** Name of the field for text beside attributes or child elements. */
const TEXT = '#text'

/** Converts a client element to a record. `timeZone`: IANA name of the server's. */
export function xmlRecord(element: XmlElement, timeZone: string): ClientRecord {
  return build(element, timeZone).record
}

/** The value of an element with attributes or child elements. */
function elementValue(element: XmlElement, timeZone: string): ClientValue {
  const building = build(element, timeZone)
  return onlyList(building) ?? building.record
}

/** A record being built. */
interface Building {
  readonly record: WritableRecord
  /** The values of names that occur several times. */
  repeated: Map<string, ClientValue[]> | undefined
}

/** Hot path. */
function build({ fields, tags, children, text }: XmlElement, timeZone: string): Building {
  const building: Building = { record: {}, repeated: undefined }
  for (const [name, value] of fields) add(building, name, normaliseText(value, timeZone))
  for (let at = 0; at < children.length; at += 1) {
    const child = children[at]
    const name = localName(tags[at] ?? '')
    if (typeof child === 'string') add(building, name, normaliseText(child, timeZone))
    else if (child != null) add(building, name, elementValue(child, timeZone))
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

/** The list of a wrapper element: all its children have the same name, and several have a value. */
function onlyList({ record, repeated }: Building): readonly ClientValue[] | undefined {
  if (repeated === undefined) return undefined
  const [only, ...others] = Object.keys(record)
  return only === undefined || others.length > 0 ? undefined : repeated.get(only)
}
