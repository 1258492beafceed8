import { type ContentRules, rulesText } from '../index/client-index.ts'
import {
  type ClientKey,
  type ContentKey,
  clientKey,
  type EntryMark,
  MAX_EVENT_NUMBER,
  UNKNOWN_CONTENT,
} from '../index/index-entry.ts'
import { parsedJson } from '../runtime/parsed-json.ts'
import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { EVENT_TYPE, isDataSchema, type StoredEvent, type Tombstone } from './client-event.ts'
import { parsedAsText } from './field-types.ts'
import { contentUnder } from './read-client.ts'
import { ERASED_TYPE, REMOVED_TYPE } from './tombstone.ts'

/** What a published event says about its client. */
export interface PublishedClient {
  readonly id: string
  readonly key: ClientKey
  /** Unknown if the event has another schema. */
  readonly content: ContentKey
  /** The text of the rules under which the content was hashed. */
  readonly rules: string
  /** The event number. */
  readonly number: number
  /** `withdrawn-gone`: the server no longer returns the client. `withdrawn`: the tombstone of an erasure. */
  readonly mark: Extract<EntryMark, 'none' | 'withdrawn-gone' | 'withdrawn'>
}

/** Returns a function that reads the events and tombstones of a source; undefined if a record is none of them. */
export function publishedClientReader(
  source: string,
  present: ContentRules,
): (record: StoredEvent) => PublishedClient | undefined {
  return (record) => {
    const event = record.value === null ? attributesOf(record) : fieldsOf(parsedJson(record.value))
    if (event.source !== source || typeof event.subject !== 'string') return undefined
    const number = Number(event.sequence)
    if (typeof event.sequence !== 'string' || !Number.isInteger(number) || number < 0 || number > MAX_EVENT_NUMBER)
      return undefined
    const isKnown = event.type === EVENT_TYPE && isDataSchema(event.dataschema) && record.value !== null
    const client = isKnown ? clientIn(event.data, record.value) : undefined
    const { ignored, lists } = present
    const content = client === undefined ? UNKNOWN_CONTENT : contentUnder(client, { ignored, lists })
    const { subject: id } = event
    const mark = marks.get(String(event.type)) ?? 'none'
    return { id, key: clientKey(id), content, rules: rulesText(rulesOfEvent(event, present)), number, mark }
  }
}

const marks: ReadonlyMap<string, PublishedClient['mark']> = new Map([
  [REMOVED_TYPE, 'withdrawn-gone'],
  [ERASED_TYPE, 'withdrawn'],
])

/** Of a tombstone. */
function attributesOf({ key, headers }: Omit<Tombstone, 'to' | 'value'>): Readonly<Record<string, unknown>> {
  const { ce_type: type, ce_source: source, ce_sequence: sequence } = headers
  return type !== undefined && marks.has(type) ? { type, source, sequence, subject: key } : {}
}

/** The event shows which fields were dropped and hashed, and so do the rules of its entry. */
function rulesOfEvent(
  { fieldrules, hmackeyid }: Readonly<Record<string, unknown>>,
  present: ContentRules,
): ContentRules {
  const isText = (value: unknown) => typeof value === 'string'
  const fields = isText(fieldrules) ? fieldrules : undefined
  return { ...present, fields, hmacKeyId: isText(hmackeyid) ? hmackeyid : undefined }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? { ...value } : {})

/** Values that have a type count with their text. */
function clientIn(data: unknown, json: string): ClientRecord | undefined {
  const client = isRecord(data) ? data : fieldsOf(parsedAsText(json)).data
  return isRecord(client) ? client : undefined
}

function isRecord(value: unknown): value is ClientRecord {
  return isObject(value) && Object.values(value).every(isClientValue)
}

/** Every leaf of a client is text. */
function isClientValue(value: unknown): value is ClientValue {
  return typeof value === 'string' || (Array.isArray(value) ? value.every(isClientValue) : isRecord(value))
}
