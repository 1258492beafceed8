import { type ContentRules, rulesText } from '../index/client-index.ts'
import { type ClientKey, type ContentKey, clientKey, MAX_EVENT_NUMBER, UNKNOWN_CONTENT } from '../index/index-entry.ts'
import type { ClientRecord, ClientValue } from '../source/client-source.ts'
import { DATA_SCHEMA, EVENT_TYPE } from './client-event.ts'
import { type CloudEvent, cloudEvent, type StoredEvent } from './cloud-event/stored-event.ts'
import { parsedAsText } from './fields/field-types.ts'
import { contentUnder } from './read-client.ts'

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
}

/** Returns a function that reads the events of a source; undefined if a record is none of them. */
export function publishedClientReader(
  source: string,
  present: ContentRules,
): (record: StoredEvent) => PublishedClient | undefined {
  return (record) => {
    const event = cloudEvent(record)
    if (event === undefined) return undefined
    const { type, subject: id, ...more } = event.attributes
    if (more.source !== source || typeof id !== 'string') return undefined
    const number = numberOf(more.sequence)
    if (number === undefined || record.value === null) return undefined
    const client = type === EVENT_TYPE && more.dataschema === DATA_SCHEMA ? clientIn(event) : undefined
    const { ignored, lists } = present
    const content = client === undefined ? UNKNOWN_CONTENT : contentUnder(client, { ignored, lists })
    const rules = rulesText(rulesOfEvent(more, present))
    return { id, key: clientKey(id), content, rules, number }
  }
}

function numberOf(sequence: unknown): number | undefined {
  const number = typeof sequence === 'string' ? Number(sequence) : Number.NaN
  return Number.isInteger(number) && number >= 0 && number <= MAX_EVENT_NUMBER ? number : undefined
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

/** The client in an event; undefined: there is none. Values that have a type count with their text. */
export function clientIn(event: CloudEvent): ClientRecord | undefined {
  const data = event.data()
  // Undefined: the value is no JSON.
  const client = data === undefined || isRecord(data) ? data : event.data(parsedAsText)
  return isRecord(client) ? client : undefined
}

function isRecord(value: unknown): value is ClientRecord {
  return isObject(value) && Object.values(value).every(isClientValue)
}

/** Every leaf of a client is text. */
function isClientValue(value: unknown): value is ClientValue {
  return typeof value === 'string' || (Array.isArray(value) ? value.every(isClientValue) : isRecord(value))
}
