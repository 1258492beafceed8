import { type ClientRecord, type ClientValue, recordOf, TEXT_FIELD } from '../../client-source.ts'
import { wallClock } from '../../source-time.ts'
import {
  Element,
  isListOfValues,
  isMetadata,
  isObjectValue,
  type ObjectValue,
  REFERENCE,
  type Value,
  wrappedItems,
} from './answer-node.ts'

/** What the records with these names, in this order, have in common. */
interface Shape {
  readonly names: readonly string[]
  readonly empty: ClientRecord
}

const MOST_SHAPES = 64

/** What all records of a page are made with. */
interface RecordMaking {
  readonly timeZone: string
  readonly onReference: () => void
  readonly shapes: Shape[]
  /**
   * Names and values of the fields of the record that is being made, after those of the records around it. Lists for
   * each record would take a sixth of all that a scan of JSON allocates.
   */
  readonly names: string[]
  readonly values: ClientValue[]
  /** So many names and values are in use. Those after them are of earlier records. */
  count: number
}

/**
 * Returns a function that makes clients of values: leaves keep their text, absent values are left out. A client is
 * empty if the value is not an object. `timeZone`: IANA name of the server's. Use one for each page: it keeps the
 * shapes of records, as copying a record takes less than half the time of sorting its names.
 */
export function recordMaker(timeZone: string, onReference = () => {}): (value: Value) => ClientRecord {
  const making: RecordMaking = { timeZone, onReference, shapes: [], names: [], values: [], count: 0 }
  return (value) => (isObjectValue(value) ? presentRecord(value, making) : {})
}

/**
 * Makes a record of the fields that are not absent. This path is hot, as are the functions that it calls. None contains
 * a closure: V8 would allocate memory for each call.
 */
function presentRecord(value: ObjectValue, making: RecordMaking): ClientRecord {
  const from = making.count
  if (value instanceof Element) {
    const { names, values, text } = value
    for (let at = 0; at < names.length; at += 1) addPresent(names[at] as string, values[at] as Value, making)
    if (text !== '' && text.trim() !== '') addPresent(TEXT_FIELD, text, making)
  } else for (const name in value) addPresent(name, value[name] as Value, making)
  const record = shapedRecord(making, from)
  making.count = from
  return record
}

/** Adds a field, unless it counts as absent. */
function addPresent(name: string, value: Value, making: RecordMaking) {
  if (name === REFERENCE) making.onReference()
  const field = isMetadata(name) ? undefined : valueIn(value, making)
  if (field === undefined) return
  making.names[making.count] = name
  making.values[making.count] = field
  making.count += 1
}

/** Converts a value of either format; undefined if it counts as absent. */
function valueIn(value: Value, making: RecordMaking): ClientValue | undefined {
  if (typeof value === 'string') return normaliseText(value, making.timeZone)
  if (value === null) return undefined
  if (typeof value !== 'object') return String(value)
  if (isListOfValues(value)) return itemsIn(value, making)
  const items = wrappedItems(value)
  return items === undefined ? presentRecord(value, making) : itemsIn(items, making)
}

const itemsIn = (items: readonly Value[], making: RecordMaking) =>
  items.map((item) => valueIn(item, making)).filter((item) => item !== undefined)

/**
 * Makes a record of the fields after `from`, on a hot path. An element around several with one name, such as the cards
 * of a client, is an object with their list.
 */
function shapedRecord(making: RecordMaking, from: number): ClientRecord {
  if (isOneName(making, from)) {
    making.values[from] = making.values.slice(from, making.count)
    making.count = from + 1
  }
  const { shapes, names, values, count } = making
  const shape = shapeOf(making, from)
  if (shape === undefined) return newShape(names.slice(from, count), values.slice(from, count), shapes)
  const record: { [field: string]: ClientValue } = { ...shape.empty }
  for (let at = from; at < count; at += 1) record[names[at] as string] = values[at] as ClientValue
  return record
}

function isOneName({ names, count }: RecordMaking, from: number) {
  for (let at = from + 1; at < count; at += 1) if (names[at] !== names[from]) return false
  return count - from > 1
}

function shapeOf(making: RecordMaking, from: number): Shape | undefined {
  for (const shape of making.shapes) if (hasNames(making, from, shape.names)) return shape
  return undefined
}

function hasNames({ names, count }: RecordMaking, from: number, others: readonly string[]) {
  if (count - from !== others.length) return false
  for (let at = 0; at < others.length; at += 1) if (names[from + at] !== others[at]) return false
  return true
}

/**
 * Makes a record and keeps its shape. A name that occurs several times, as that of an element may, has the list of its
 * values.
 */
function newShape(names: readonly string[], values: readonly ClientValue[], shapes: Shape[]): ClientRecord {
  const valuesOf = Map.groupBy(values.keys(), (at) => names[at] as string)
  const record = recordOf(
    Array.from(valuesOf, ([name, [first = 0, ...others]]) => [
      name,
      others.length === 0 ? (values[first] ?? '') : [first, ...others].map((at) => values[at] ?? ''),
    ]),
  )
  const isDistinct = valuesOf.size === names.length
  if (isDistinct && shapes.length < MOST_SHAPES) shapes.push({ names, empty: record })
  return record
}

const minimumIso = /^0001-01-01(?:[T ]00:00:00(?:\.0+)?(?:Z|[+-]\d\d:?\d\d)?)?$/
const minimumFrench = /^01\/01\/0001(?: 00:00:00)?$/
const microsoftDate = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/
/** The minimum date ends a day later, as a time zone may have shifted it. */
const minimumUntilMs = -62_135_596_800_000 + 86_400_000
const maximumMs = 253_370_764_800_000 // 9999-01-01: a later year may have five digits in some time zone

/**
 * Makes a value equal in XML and JSON: .NET's minimum date becomes undefined, `/Date(ms±hhmm)/` becomes wall-clock text
 * in the server's zone, any other text stays the same. Hot path: returns at once if the text cannot be a date.
 */
export function normaliseText(text: string, zone: string): string | undefined {
  const first = text.charCodeAt(0)
  if (first === 0x2f /* / */) return microsoftDateText(text, zone)
  if (first !== 0x30 /* 0 */ || text.length < 10) return text
  return minimumIso.test(text) || minimumFrench.test(text) ? undefined : text
}

function microsoftDateText(text: string, zone: string): string | undefined {
  const ms = Number(microsoftDate.exec(text)?.[1] ?? Number.NaN)
  if (Number.isNaN(ms) || ms > maximumMs) return text
  if (ms <= minimumUntilMs) return undefined
  const fraction = String(((ms % 1000) + 1000) % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '')
  return wallClock(ms, zone) + (fraction === '' ? '' : `.${fraction}`)
}
