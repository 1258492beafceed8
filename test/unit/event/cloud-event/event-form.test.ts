import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientEventParts, EventMarks } from '../../../../connector/event/client-event.ts'
import { clientEvent, type EventForm, eventModes } from '../../../../connector/event/cloud-event/event-form.ts'
import { eventForm } from '../../../support/records.ts'

// Events are made of given parts, and their records are parsed.

const allMarks: EventMarks = { snapshot: true, historycomplete: true, republished: 'r'.repeat(36) }
const eventOf = (more: Partial<ClientEventParts>, form: Partial<EventForm> = {}) =>
  clientEvent(
    {
      clientId: '42',
      json: '{"No":"42"}',
      contentHash: 'content',
      previous: '3',
      timeMs: Date.UTC(2026, 5, 15, 10),
      sequence: 7,
      marks: {},
      ...more,
    },
    eventForm(form),
  )

describe('an event in structured mode', () => {
  test('has the time of its client in UTC, for any years', () => {
    fc.assert(
      fc.property(
        fc.date({
          noInvalidDate: true,
          min: new Date('0000-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59.999Z'),
        }),
        (date) => {
          expect(JSON.parse(String(eventOf({ timeMs: date.getTime() }).record.value)).time).toBe(date.toISOString())
        },
      ),
    )
  })

  test('shares its headers with the other events of the stream', () => {
    const headersOf = (more: Partial<ClientEventParts>, source: string) => eventOf(more, { source }).record.headers
    expect(headersOf({ clientId: '43', marks: allMarks }, '/one')).toBe(headersOf({}, '/one'))
    expect(headersOf({}, '/other')).toMatchObject({ source: '/other' })
  })

  test('has no header that an SDK takes for an attribute in binary mode', () => {
    const { headers } = eventOf({ marks: allMarks }).record
    expect(Object.keys(headers)).toEqual(['content-type', 'type', 'source'])
  })
})

describe('an event in binary mode', () => {
  test('counts at least the bytes that its headers take', () => {
    for (const clientId of ['1', 'é'.repeat(500)]) {
      const { record, headerBytes } = eventOf({ clientId, marks: allMarks }, { mode: 'binary' })
      const texts = Object.entries(record.headers).map(([name, text]) => Buffer.byteLength(name + text) + 4)
      expect(headerBytes).toBeGreaterThanOrEqual(texts.reduce((sum, bytes) => sum + bytes, 0))
    }
  })
})

test.each(eventModes)('in %s mode keeps a client id with quotes and line breaks intact', (mode) => {
  const clientId = 'a"b\\c\nd\u2028é'
  const { value, headers } = eventOf({ clientId }, { mode }).record
  const attributes = mode === 'binary' ? headers : JSON.parse(String(value))
  expect(Object.values(attributes).filter((text) => text === clientId)).toHaveLength(1)
})

test('has its marks as attributes in both modes: true, or its text in a header', () => {
  const { record } = eventOf({ marks: { snapshot: true, republished: 'rewind' } })
  const event = JSON.parse(String(record.value))
  expect(event).toMatchObject({ snapshot: true, republished: 'rewind' })
  expect(event).not.toHaveProperty('historycomplete')
  const { headers } = eventOf({ marks: { historycomplete: true, snapshot: undefined } }, { mode: 'binary' }).record
  expect(headers).toMatchObject({ ce_historycomplete: 'true' })
  expect(headers).not.toHaveProperty('ce_snapshot')
})
