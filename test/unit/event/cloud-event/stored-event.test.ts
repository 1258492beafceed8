import { describe, expect, test } from 'vitest'
import { eventSource, sequenceText } from '../../../../connector/event/client-event.ts'
import {
  clientEvent,
  type EventForm,
  eventModes,
  tombstones,
} from '../../../../connector/event/cloud-event/event-form.ts'
import { cloudEvent, type StoredEvent } from '../../../../connector/event/cloud-event/stored-event.ts'
import { rawText } from '../../../../connector/runtime/parsed-json.ts'
import { eventForm, readEvent, textOf } from '../../../support/records.ts'

// Records are made as the connector makes them, and read as a consumer reads them.

const source = eventSource('shop', 'clients')
const other = eventSource('shop', 'others')
const json = '{"No":"42","Solde":9007199254740993}'
const parts = { clientId: '42', json, contentHash: 'h', previous: '3', timeMs: 0, sequence: 7, marks: {} }
const eventAsRead = (form: Partial<EventForm>): StoredEvent => textOf(clientEvent(parts, eventForm(form)).record)

test.each(eventModes)('an event in %s mode has its attributes, and its client with all digits', (mode) => {
  const event = cloudEvent(eventAsRead({ mode, source }))
  expect(event?.attributes).toMatchObject({ source, type: 'client.modified', subject: '42', sequence: sequenceText(7) })
  const data = event?.data() as { readonly No: string; readonly Solde: unknown }
  expect([data.No, rawText(data.Solde)]).toEqual(['42', '9007199254740993'])
})

test('a tombstone has its attributes, and no client', () => {
  const [record] = tombstones({ type: 'client.erased', source, clientId: '42', id: 'e', timeMs: 0 }, [0])
  const event = record && cloudEvent(record)
  expect(event?.attributes).toMatchObject({ source, type: 'client.erased', subject: '42' })
  expect(event?.data()).toBeUndefined()
})

describe('the headers tell the mode, never the value', () => {
  const structured = eventAsRead({ source })
  const binary = eventAsRead({ mode: 'binary', source: other })
  test.each<[string, StoredEvent, string | undefined]>([
    ['binary attributes beside a structured value', { ...binary, value: structured.value }, other],
    [
      'structured, although ce_ headers differ',
      { ...structured, headers: { ...binary.headers, ...structured.headers } },
      source,
    ],
    [
      'structured with a charset',
      { ...structured, headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' } },
      source,
    ],
    ['an event as value without its headers', { ...structured, headers: {} }, undefined],
    [
      'an event as value of another type',
      { ...structured, headers: { 'content-type': 'application/json' } },
      undefined,
    ],
    ['attributes without a version', { ...binary, headers: { ce_source: other } }, undefined],
  ])('%s', (_, record, writer) => {
    expect(cloudEvent(record)?.attributes.source).toBe(writer)
  })
})

test.each(['', 'null', '{}', '[1]', '{"source":'])('the value %j in structured mode has no client', (value) => {
  const event = cloudEvent(readEvent(value, '42'))
  expect([event?.attributes.source, event?.data()]).toEqual([undefined, undefined])
})
