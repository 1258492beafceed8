import { ConnectorError } from '../runtime/connector-error.ts'
import { MAX_DEPTH } from './answer-node.ts'
import type { ClientRecord, ClientValue } from './client-source.ts'
import type { FieldShape } from './field-shape.ts'
import { normaliseText } from './normalise-value.ts'
import { setField, type WritableRecord } from './set-field.ts'

/** What `JSON.parse` makes; numbers only where their text is what `String` makes of them. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** What is being turned into a value; `shape` is undefined where no list is configured. */
export interface JsonContext {
  readonly shape: FieldShape | undefined
  readonly timeZone: string
  readonly depth: number
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isJsonList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)

/** An object as a record: `null` and the minimum date left out, every leaf its own text. Called for every client. */
export function jsonRecord(object: JsonObject, context: JsonContext): ClientRecord {
  const record: WritableRecord = {}
  const { shape, timeZone } = context
  for (const name in object) {
    const given = object[name]
    if (given === null || given === undefined || isSerializers(name)) continue
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

/** What .NET serializers add about themselves; XML has it in attributes that are no fields either. */
function isSerializers(name: string): boolean {
  const first = name.charCodeAt(0)
  return (first === 0x5f && name === '__type') || (first === 0x24 && (name === '$type' || name === '$id'))
}

function below(context: JsonContext, shape: FieldShape | undefined): JsonContext {
  if (context.depth >= MAX_DEPTH)
    throw new ConnectorError('source.answer-malformed', `decode json: nested deeper than ${MAX_DEPTH}`)
  return {
    shape: shape?.hasListsBelow === true ? shape : undefined,
    timeZone: context.timeZone,
    depth: context.depth + 1,
  }
}

function valueIn(value: JsonValue, context: JsonContext): ClientValue | undefined {
  if (typeof value === 'string') return normaliseText(value, context.timeZone)
  if (value === null) return undefined
  if (typeof value !== 'object') return String(value)
  return isJsonList(value) ? valuesOf(value, context) : jsonRecord(value as JsonObject, context)
}

function valuesOf(list: readonly JsonValue[], context: JsonContext): ClientValue[] {
  const deeper = below(context, context.shape)
  return list.map((item) => valueIn(item, deeper)).filter((item) => item !== undefined)
}

/** The items of a configured list, dissolving an object around them that has nothing else, as XML does. */
function listOf(value: JsonValue, context: JsonContext): readonly ClientValue[] | undefined {
  if (value === null) return undefined
  if (isJsonList(value)) return valuesOf(value, context)
  if (typeof value !== 'object') return String(value).trim() === '' ? [] : valuesOf([value], context)
  const inner = Object.values(value as JsonObject)
  const [only] = inner
  if (only === undefined) return []
  return valuesOf(inner.length === 1 ? (isJsonList(only) ? only : [only]) : [value], context)
}
