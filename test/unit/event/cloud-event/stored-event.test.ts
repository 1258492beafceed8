import { describe, expect, test } from 'vitest'
import { eventSource } from '../../../../connector/event/client-event.ts'
import { clientEvent, eventModes } from '../../../../connector/event/cloud-event/event-form.ts'
import { type StoredEvent, sequenceOf, writerOf } from '../../../../connector/event/cloud-event/stored-event.ts'
import { tombstones } from '../../../../connector/event/cloud-event/tombstone.ts'
import { eventForm, readEvent } from '../../../support/records.ts'

const source = eventSource('shop', 'clients')
const other = eventSource('shop', 'others')
const parts = { clientId: '42', json: '{"No":"42"}', contentHash: 'h', previous: '3', timeMs: 0, sequence: 7 }

test.each(eventModes)('an event in %s mode yields its source, and its number for that source only', (mode) => {
  const { record } = clientEvent(parts, eventForm({ mode }))
  expect([writerOf(record), sequenceOf(record, source)]).toEqual([source, 7])
  expect(sequenceOf(record, other)).toBeUndefined()
})

test('a tombstone yields its source, and has no number', () => {
  const [record] = tombstones({ type: 'client.erased', source, clientId: '42', id: 'e', timeMs: 0 }, 1)
  expect(record && [writerOf(record), sequenceOf(record, source)]).toEqual([source, undefined])
})

describe('the headers tell the mode, never the value', () => {
  const { record: structured } = clientEvent(parts, eventForm())
  const { record: binary } = clientEvent(parts, eventForm({ mode: 'binary', source: other }))
  test.each<[string, StoredEvent, string]>([
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
    ['an event as value without its headers', { ...structured, headers: {} }, 'another producer'],
    [
      'an event as value of another type',
      { ...structured, headers: { 'content-type': 'application/json' } },
      'another producer',
    ],
    ['attributes without a version', { ...binary, headers: { ce_source: other } }, 'another producer'],
  ])('%s', (_, record, writer) => {
    expect(writerOf(record)).toBe(writer)
  })
})

test.each(['', 'null', '{}', '[1]', '{"source":1}'])('the value %j in structured mode is no event', (value) => {
  const record = readEvent(value, '42')
  expect([sequenceOf(record, source), writerOf(record)]).toEqual([undefined, 'another producer'])
})
