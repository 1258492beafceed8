import { DAY_MS } from '../../runtime/units.ts'
import {
  type ClientEventParts,
  DATA_SCHEMA,
  EVENT_TYPE,
  eventId,
  type RecordHeaders,
  sequenceText,
  type ValueRecord,
} from '../client-event.ts'

/** Whether the value of a record is the event, or the client, with the attributes of the event in headers. */
export const eventModes = ['structured', 'binary'] as const
export type EventMode = (typeof eventModes)[number]

/** What the events of a stream have in common. */
export interface EventForm {
  readonly mode: EventMode
  /** See `eventSource`. */
  readonly source: string
  /** See `fieldAttributes`; without any for whole clients. */
  readonly extensions: Readonly<Record<string, string>>
}

export interface ClientEvent {
  readonly record: ValueRecord
  /** Upper bound of what the headers take, apart from those that every record has. */
  readonly headerBytes: number
}

/** A CloudEvent 1.0, by the Kafka protocol binding 1.0.2. */
export function clientEvent(parts: ClientEventParts, form: EventForm): ClientEvent {
  const { structured, binary } = writersOf(form)
  return form.mode === 'binary' ? binary(parts) : structured(parts)
}

const writers = new WeakMap<EventForm, ReturnType<typeof newWriters>>()

function writersOf(form: EventForm) {
  const known = writers.get(form)
  if (known !== undefined) return known
  const made = newWriters(form)
  writers.set(form, made)
  return made
}

type Writer = (parts: ClientEventParts) => ClientEvent

const newWriters = (form: EventForm) => ({ structured: structuredWriter(form), binary: binaryWriter(form) })

/** The headers of an event in structured mode: a router needs no value. */
export const structuredHeaders = (type: string, source: string): RecordHeaders => ({
  'content-type': 'application/cloudevents+json',
  ce_type: type,
  ce_source: source,
})

/** On the events that follow the first history: a subscriber sees that the first load is over. */
const afterHistory = { ce_historycomplete: 'true' }

const sharedHeaders = (plain: RecordHeaders) => ({
  plain,
  marked: lastOf((request: string) => ({ ...plain, ce_republished: request })),
})

function structuredWriter({ source, extensions }: EventForm): Writer {
  const shared = structuredHeaders(EVENT_TYPE, source)
  const inHistory = sharedHeaders(shared)
  const later = sharedHeaders({ ...shared, ...afterHistory })
  const head = `{"specversion":"1.0","type":"${EVENT_TYPE}","source":${JSON.stringify(source)},"id":"`
  const members = Object.entries(extensions).map(([name, text]) => `"${name}":${JSON.stringify(text)},`)
  const tail = `"datacontenttype":"application/json","dataschema":${JSON.stringify(DATA_SCHEMA)},${members.join('')}`
  return (parts) => {
    const { clientId, contentHash, previous, republished, json } = parts
    const subject = JSON.stringify(clientId)
    const value =
      `${head}${eventId({ source, clientId, contentHash, previous })}","time":"${eventTime(parts.timeMs)}","subject":${subject},` +
      `"sequence":"${sequenceText(parts.sequence)}","partitionkey":${subject},${tail}` +
      `${republished === undefined ? '' : `"republished":${JSON.stringify(republished)},`}"data":${json}}`
    const { plain, marked } = parts.isHistoryComplete === true ? later : inHistory
    const headers = republished === undefined ? plain : marked(republished)
    return { record: { to: 'events', key: clientId, value, headers }, headerBytes: 0 }
  }
}

/** What the headers of an event take that differ from event to event, without its client id. */
const OWN_BYTES = 230

function binaryWriter({ source, extensions }: EventForm): Writer {
  const named = Object.entries(extensions).map(([name, text]) => [`ce_${name}`, text])
  const shared = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_type: EVENT_TYPE,
    ce_source: source,
    ce_dataschema: DATA_SCHEMA,
    ...Object.fromEntries(named),
  }
  const sharedBytes = OWN_BYTES + Buffer.byteLength(JSON.stringify(shared))
  return (parts) => {
    const { clientId, contentHash, previous, republished, isHistoryComplete, json } = parts
    const own = {
      ...shared,
      ...(isHistoryComplete === true ? afterHistory : {}),
      ce_id: eventId({ source, clientId, contentHash, previous }),
      ce_time: eventTime(parts.timeMs),
      ce_subject: clientId,
      ce_sequence: sequenceText(parts.sequence),
      ce_partitionkey: clientId,
    }
    const headers = republished === undefined ? own : { ...own, ce_republished: republished }
    const headerBytes = sharedBytes + 2 * Buffer.byteLength(clientId)
    return { record: { to: 'events', key: clientId, value: json, headers }, headerBytes }
  }
}

/** ISO 8601 in UTC, with milliseconds. Hot path: most events have the day of the one before. */
function eventTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  const inDay = Math.trunc(ms - day * DAY_MS)
  const seconds = Math.floor(inDay / 1000)
  const clock = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${dateOf(day)}T${clock}.${String(inDay % 1000).padStart(3, '0')}Z`
}

const dateOf = lastOf((day: number) => new Date(day * DAY_MS).toISOString().split('T', 1)[0])
const two = (value: number) => (value < 10 ? `0${Math.floor(value)}` : `${Math.floor(value)}`)

/** Keeps the last result: the events of one request follow each other. */
function lastOf<Key, Result>(make: (key: Key) => Result): (key: Key) => Result {
  let last: { readonly key: Key; readonly result: Result } | undefined
  return (key) => {
    if (last === undefined || last.key !== key) last = { key, result: make(key) }
    return last.result
  }
}
