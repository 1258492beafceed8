import { rawJson } from '../../runtime/parsed-json.ts'
import { type ClientRecord, type ClientValue, setField, type WritableRecord } from '../../source/client-source.ts'
import { withSortedKeys } from '../canonical-json.ts'

/** The types that a field of a client may have in its events. */
export const valueTypes = ['integer', 'decimal', 'boolean', 'date', 'date-time'] as const
export type ValueType = (typeof valueTypes)[number]

/** Types by dotted path in lower case. A list adds no level to a path. */
export type FieldTypes = ReadonlyMap<string, ValueType>

interface TypeRow {
  /** Whether a text is a value of the type. It never becomes another text: `007`, `1,5` and `1E3` are no numbers. */
  fits(text: string): boolean
  /** `literal`: the text is also the JSON literal of the value. */
  readonly as: 'literal' | 'text'
  readonly schema: Readonly<Record<string, string>>
}

/** What the widest decimals of databases hold. */
const MOST_DIGITS = 38
const INTEGER = /^-?(?:0|[1-9]\d*)$/
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const isShort = (text: string) => text.length <= MOST_DIGITS || text.replace(/\D/g, '').length <= MOST_DIGITS

const DATE = /^\d{4}-\d{2}-\d{2}$/
const HOURS = '(?:[01]\\d|2[0-3]):[0-5]\\d'
const DATE_TIME = new RegExp(`^\\d{4}-\\d{2}-\\d{2}T${HOURS}:[0-5]\\d(?:\\.\\d+)?(?:Z|[+-]${HOURS})?$`)
/** False for 30 February. */
const isDay = (text: string) => new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(text.slice(8, 10))

export const typeRows: Readonly<Record<ValueType, TypeRow>> = {
  integer: { fits: (text) => INTEGER.test(text) && isShort(text), as: 'literal', schema: { type: 'integer' } },
  decimal: { fits: (text) => DECIMAL.test(text) && isShort(text), as: 'literal', schema: { type: 'number' } },
  boolean: { fits: (text) => text === 'true' || text === 'false', as: 'literal', schema: { type: 'boolean' } },
  date: { fits: (text) => DATE.test(text) && isDay(text), as: 'text', schema: { type: 'string', format: 'date' } },
  'date-time': {
    fits: (text) => DATE_TIME.test(text) && isDay(text),
    as: 'text',
    schema: {
      description: 'ISO 8601; without an offset, in the local time of the server.',
      type: 'string',
      format: 'date-time',
    },
  },
}

/** As `canonicalJson`, but values have the type of their field if they fit it. */
export function typedJson(client: ClientRecord, types: FieldTypes): string {
  return JSON.stringify(typer(types, () => {})(withSortedKeys(client)))
}

/** The paths of the fields with values that do not fit their type. An empty text has no type and is not reported. */
export function mistypedIn(client: ClientRecord, types: FieldTypes): ReadonlySet<string> {
  const mistyped = new Set<string>()
  typer(types, (path) => mistyped.add(path))(client)
  return mistyped
}

function typer(types: FieldTypes, report: (path: string) => void) {
  const ofRecord = (record: ClientRecord, prefix = ''): WritableRecord => {
    const typed = { ...record }
    for (const name in record) {
      const path = `${prefix}${name.toLowerCase()}`
      const value = record[name]
      if (value !== undefined) setField(typed, name, ofValue(value, path))
    }
    return typed
  }
  const ofValue = (value: ClientValue, path: string): ClientValue => {
    if (isList(value)) return value.map((item) => ofValue(item, path))
    const type = types.get(path)
    const fits = type !== undefined && typeof value === 'string' && typeRows[type].fits(value)
    if (type !== undefined && !fits && value !== '') report(path)
    if (typeof value !== 'string') return ofRecord(value, `${path}.`)
    return fits && typeRows[type].as === 'literal' ? (rawJson(value) as ClientRecord) : value
  }
  return ofRecord
}

/** The value of a JSON text in which numbers and booleans are their text, as a client has them. */
export function parsedAsText(json: string): unknown {
  const asText = (_: string, value: unknown, at?: { readonly source?: string }) =>
    typeof value === 'number' || typeof value === 'boolean' ? at?.source : value
  return JSON.parse(json, asText)
}

function isList(value: ClientValue): value is readonly ClientValue[] {
  return Array.isArray(value)
}
