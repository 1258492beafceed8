import type { ClientRecord, ClientValue } from '../../../client-source.ts'
import { setField, type WritableRecord } from '../../../client-source.ts'
import type { FieldShape } from '../field-shape.ts'
import { normaliseText } from '../normalise-value.ts'

/** A result of `JSON.parse`. Contains a number only if `String` returns its original text. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** `shape`: undefined if no list is configured at or below this field. */
export interface JsonContext {
  readonly shape: FieldShape | undefined
  readonly timeZone: string
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isJsonList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)

/** Converts an object to a record: leaves keep their text; `null` and the minimum date are left out. Hot path. */
export function jsonRecord(object: JsonObject, context: JsonContext): ClientRecord {
  const record: WritableRecord = {}
  const { shape, timeZone } = context
  for (const name in object) {
    const given = object[name]
    if (given === null || given === undefined || isSerializerMetadata(name)) continue
    const field = shape?.child(name)
    const value =
      field?.isList === true
        ? listOf(given, below(context, field))
        : typeof given === 'string'
          ? normaliseText(given, timeZone)
          : valueIn(given, below(context, field))
    if (value !== undefined) setField(record, name, value)
  }
  return record
}

/** Fields that .NET serializers add. In XML these are attributes, which are ignored too. */
function isSerializerMetadata(name: string): boolean {
  const first = name.charCodeAt(0)
  return (first === 0x5f && name === '__type') || (first === 0x24 && (name === '$type' || name === '$id'))
}

function below(context: JsonContext, shape: FieldShape | undefined): JsonContext {
  const known = shape?.hasListsBelow === true ? shape : undefined
  return known === context.shape ? context : { shape: known, timeZone: context.timeZone }
}

function valueIn(value: JsonValue, context: JsonContext): ClientValue | undefined {
  if (typeof value === 'string') return normaliseText(value, context.timeZone)
  if (value === null) return undefined
  if (typeof value !== 'object') return String(value)
  return isJsonList(value) ? valuesOf(value, context) : jsonRecord(value as JsonObject, context)
}

function valuesOf(list: readonly JsonValue[], context: JsonContext): ClientValue[] {
  return list.map((item) => valueIn(item, context)).filter((item) => item !== undefined)
}

/** The items of a configured list, without a wrapper object that has no other field, as in XML. */
function listOf(value: JsonValue, context: JsonContext): readonly ClientValue[] | undefined {
  if (value === null) return undefined
  if (isJsonList(value)) return valuesOf(value, context)
  if (typeof value !== 'object') return String(value).trim() === '' ? [] : valuesOf([value], context)
  const inner = Object.values(value as JsonObject)
  const [only] = inner
  if (only === undefined) return []
  return valuesOf(inner.length === 1 ? (isJsonList(only) ? only : [only]) : [value], context)
}
