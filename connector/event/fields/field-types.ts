import { rawJson } from '../../runtime/parsed-json.ts'
import { type ClientRecord, type ClientValue, isList, recordOf } from '../../source/client-source.ts'
import { pathBelow } from './field-rules.ts'

/** The types that a field of a client may have in its events. */
export const valueTypes = ['integer', 'decimal', 'boolean'] as const
export type ValueType = (typeof valueTypes)[number]

/** Types by dotted path in lower case. A list adds no level to a path. */
export type FieldTypes = ReadonlyMap<string, ValueType>

/**
 * Matches a text that is also the JSON literal of a value: `007`, `1,5` and `1E3` are none. Databases hold 38 digits.
 */
const literals: Readonly<Record<ValueType, RegExp>> = {
  integer: /^-?(?:0|[1-9]\d{0,37})$/,
  decimal: /^-?(?=(?:\d\.?){1,38}$)(?:0|[1-9]\d*)(?:\.\d+)?$/,
  boolean: /^(?:true|false)$/,
}

export const isLiteral = (text: string, type: ValueType): boolean => literals[type].test(text)

/**
 * Returns a function that replaces each text that is a literal of the type of its field by that literal, as `rawJson`.
 */
export function fieldTyper(types: FieldTypes): (client: ClientRecord) => ClientRecord {
  return (client) => typedRecord(client, types)
}

function typedRecord(record: ClientRecord, types: FieldTypes, path = ''): ClientRecord {
  return recordOf(
    Object.entries(record).map(([name, value]) => [name, typedValue(value, types, pathBelow(path, name))]),
  )
}

function typedValue(value: ClientValue, types: FieldTypes, path: string): ClientValue {
  if (isList(value)) return value.map((item) => typedValue(item, types, path))
  if (typeof value !== 'string') return typedRecord(value, types, path)
  const type = types.get(path)
  return type !== undefined && isLiteral(value, type) ? (rawJson(value) as ClientRecord) : value
}
