import type { OutgoingRecord } from '../../connector/event/client-event.ts'
import { EVENT_TYPE } from '../../connector/event/client-event.ts'
import { type EventForm, structuredHeaders } from '../../connector/event/cloud-event/event-form.ts'
import type { StoredEvent } from '../../connector/event/cloud-event/stored-event.ts'
import { type PackedRecord, RecordMemory } from '../../connector/event/packed-record.ts'

/** The form of the events of a stream. */
export const eventForm = (more: Partial<EventForm> = {}): EventForm => ({
  mode: 'structured',
  source: '/polaris/shop/clients',
  extensions: {},
  ...more,
})

const structured = structuredHeaders(EVENT_TYPE, '/polaris/shop/clients')
const headersTo = { events: structured, deadLetters: { 'content-type': 'application/json' } } as const

/** A record as it is sent, in memory of its own. */
export const packed = (record: OutgoingRecord): PackedRecord => new RecordMemory().pack(record)

export const sentTo = (to: OutgoingRecord['to'], key: string | null, value: string): PackedRecord =>
  to === 'events' ? sentEvent(String(key), value) : packed({ to, key, value, headers: headersTo.deadLetters })

export const sentEvent = (key: string, value: string, memory = new RecordMemory()): PackedRecord =>
  memory.pack({ to: 'events', key, value, headers: headersTo.events })

/** A record whose value is text. */
export type TextRecord = Pick<OutgoingRecord, 'to' | 'key' | 'value' | 'headers'>

/** A copy of a record that was sent. Its own value is empty once its memory is freed. */
export const asText = (record: PackedRecord): TextRecord => ({ ...record, value: textOf(record.value) })

export const textOf = (value: PackedRecord['value']): string | null => (value === null ? null : String(value))

/** An event in structured mode, as read. */
export const readEvent = (value: string, key: string | null = null): StoredEvent => ({
  key,
  value,
  headers: structured,
})
