import { type ClientRecord, type ClientValue, recordOf } from '../../client-source.ts'
import { normaliseText } from './normalise-value.ts'
import { localName, type XmlElement } from './xml-element.ts'

/** Name of the field for text beside attributes or child elements. */
const TEXT = '#text'

/** Converts a client element to a record. `timeZone`: IANA name of the server's. */
export function xmlRecord(element: XmlElement, timeZone: string): ClientRecord {
  return recordOf(build(element, timeZone).fields)
}

/** The value of an element with attributes or child elements. */
function elementValue(element: XmlElement, timeZone: string): ClientValue {
  const building = build(element, timeZone)
  return onlyList(building) ?? recordOf(building.fields)
}

/** A record being built. */
interface Building {
  readonly fields: Map<string, ClientValue>
  /** The values of names that occur several times. */
  repeated: Map<string, ClientValue[]> | undefined
}

/** Hot path. */
function build({ fields, tags, children, text }: XmlElement, timeZone: string): Building {
  const building: Building = { fields: new Map(), repeated: undefined }
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
  if (building.fields.has(name)) addAgain(building, name, value)
  else building.fields.set(name, value)
}

function addAgain(building: Building, name: string, value: ClientValue): void {
  building.repeated ??= new Map()
  const list = building.repeated.get(name)
  if (list !== undefined) return void list.push(value)
  const both = [building.fields.get(name) ?? '', value]
  building.repeated.set(name, both)
  building.fields.set(name, both)
}

/** The list of a wrapper element: all its children have the same name, and several have a value. */
function onlyList({ fields, repeated }: Building): readonly ClientValue[] | undefined {
  if (repeated === undefined) return undefined
  const [only = ''] = fields.keys()
  return fields.size > 1 ? undefined : repeated.get(only)
}
