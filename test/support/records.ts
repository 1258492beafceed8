import type { OutgoingRecord } from '../../connector/event/client-event.ts'
import { sequenceText } from '../../connector/event/client-event.ts'
import { type EventForm, structuredHeaders } from '../../connector/event/cloud-event/event-form.ts'
import type { StoredEvent } from '../../connector/event/cloud-event/stored-event.ts'

/** The form of the events of a stream. */
export const eventForm = (more: Partial<EventForm> = {}): EventForm => ({
  mode: 'structured',
  source: '/polaris/shop/clients',
  ...more,
})

const structured = structuredHeaders('/polaris/shop/clients')
const headersTo = {
  events: structured,
  deadLetters: {
    'content-type': 'application/json',
    ce_source: '/polaris/shop/clients',
    ce_time: '2026-06-15T10:00:00.000Z',
    ce_sequence: sequenceText(0),
  },
} as const

export const textOf = ({ target, key, value, headers }: OutgoingRecord): TextRecord => ({
  target,
  key,
  value: value === null ? null : value.toString(),
  headers,
})

export const sentTo = (target: OutgoingRecord['target'], key: string | null, value: string): OutgoingRecord =>
  target === 'events'
    ? sentEvent(String(key), value)
    : { target, key, value: Buffer.from(value), headers: headersTo.deadLetters }

export const sentEvent = (key: string, value: string): OutgoingRecord => ({
  target: 'events',
  key,
  value: Buffer.from(value),
  headers: headersTo.events,
})

/** What a record consists of, as text. */
export interface TextRecord extends Pick<OutgoingRecord, 'target' | 'key' | 'headers'> {
  readonly value: string | null
}

/** An event in structured mode, as read. */
export const readEvent = (value: string, key: string | null = null): StoredEvent => ({
  key,
  value,
  headers: structured,
})
