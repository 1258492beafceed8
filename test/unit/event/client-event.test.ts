import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type ClientEventParts,
  clientEvent,
  eventId,
  eventSource,
  sequenceOf,
} from '../../../connector/event/client-event.ts'
import type { CheckPoint, SourceTime } from '../../../connector/source/client-source.ts'

const parts: ClientEventParts = {
  source: '/polaris/shop/clients',
  clientId: '42',
  json: '{"No":"42"}',
  contentHash: 'content',
  modifiedAt: '2026-06-15T12:00:00',
  readWith: {
    lastChanged: '2026-06-15T11:00:00' as SourceTime,
    checkPoint: 'token' as CheckPoint,
    limit: 100,
    output: 'json',
  },
  timeMs: Date.UTC(2026, 5, 15, 10),
  sequence: 7,
}
const readElsewhere = { ...parts.readWith, lastChanged: '2026-06-15T11:30:00' as SourceTime }
const withToken = (token: string | null) => ({ ...parts.readWith, checkPoint: token as CheckPoint | null })

describe('the id of an event', () => {
  test('is the hash of source, client id, content hash and modification time', () => {
    const text = ['/polaris/shop/clients', '42', 'content', '2026-06-15T12:00:00'].join('\u0000')
    expect(eventId(parts)).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32))
  })

  test('Invariant 7: with the modification time mapped, the same change read again has the same id, wherever it was read', () => {
    const again = { ...parts, readWith: readElsewhere, sequence: 900, timeMs: 0 }
    expect(eventId(again)).toBe(eventId(parts))
  })

  test('Invariant 7: without it, the same resume point brings the same id, another one may not', () => {
    const unmapped = { ...parts, modifiedAt: undefined }
    expect(eventId({ ...unmapped, sequence: 900, timeMs: 0 })).toBe(eventId(unmapped))
    const others = [readElsewhere, withToken('other'), withToken(null)]
    const ids = others.map((readWith) => eventId({ ...unmapped, readWith }))
    expect(new Set([eventId(unmapped), ...ids]).size).toBe(4)
  })

  test.each([
    ['source', { source: '/polaris/shop/other' }],
    ['client', { clientId: '43' }],
    ['content', { contentHash: 'other' }],
    ['modification time', { modifiedAt: '2026-06-15T12:00:01' }],
  ])('differs with the %s', (_what, other) => {
    expect(eventId({ ...parts, ...other })).not.toBe(eventId(parts))
  })
})

describe('an event', () => {
  test('is a CloudEvent 1.0 in structured JSON', () => {
    expect(JSON.parse(clientEvent(parts))).toEqual({
      specversion: '1.0',
      type: 'client.modified',
      source: '/polaris/shop/clients',
      id: eventId(parts),
      time: '2026-06-15T10:00:00.000Z',
      subject: '42',
      sequence: '00000000000000000007',
      partitionkey: '42',
      datacontenttype: 'application/json',
      dataschema: 'urn:polaris-connector:client.modified:1',
      data: { No: '42' },
    })
  })

  test('its sequences sort as text like the numbers that they are', () => {
    const sequenceOf = (sequence: number) => JSON.parse(clientEvent({ ...parts, sequence })).sequence
    expect(sequenceOf(9) < sequenceOf(10)).toBe(true)
    expect(sequenceOf(Number.MAX_SAFE_INTEGER)).toBe('00009007199254740991')
  })

  test('an id with quotes and line breaks stays one text', () => {
    const clientId = 'a"b\\c\nd\u2028é'
    expect(JSON.parse(clientEvent({ ...parts, clientId }))).toMatchObject({ subject: clientId, partitionkey: clientId })
  })

  test('tells its number, within its own stream', () => {
    const text = clientEvent({ ...parts, sequence: 7 })
    const source = eventSource('shop', 'clients')
    expect(sequenceOf(text, source)).toBe(7)
    expect(sequenceOf(text, eventSource('shop', 'others'))).toBeUndefined()
    for (const other of ['', 'null', '{}', '[1]', '{"source":1}']) {
      expect(sequenceOf(other, source), other).toBeUndefined()
    }
  })
})
