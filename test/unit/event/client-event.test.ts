import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type ClientEventParts,
  clientEvent,
  eventId,
  eventSource,
  sequenceOf,
} from '../../../connector/event/client-event.ts'

const parts: ClientEventParts = {
  source: '/polaris/shop/clients',
  clientId: '42',
  json: '{"No":"42"}',
  contentHash: 'content',
  previous: '3',
  timeMs: Date.UTC(2026, 5, 15, 10),
  sequence: 7,
  dataSchema: 'urn:polaris-connector:client.modified:1',
}

describe('an event id', () => {
  test('is the hash of source, client id, content hash and the number of the previous event', () => {
    const text = ['/polaris/shop/clients', '42', 'content', '3'].join('\u0000')
    expect(eventId(parts)).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32))
  })

  test('Invariant 7: is the same for the same change, whatever its sequence number and time', () => {
    const again = JSON.parse(clientEvent({ ...parts, sequence: 900, timeMs: 0 }))
    expect(again.id).toBe(JSON.parse(clientEvent(parts)).id)
  })

  test.each([
    ['source', { source: '/polaris/shop/other' }],
    ['client', { clientId: '43' }],
    ['content', { contentHash: 'other' }],
    ['previous event', { previous: '4' }],
    ['generation of the index', { previous: 'g3' }],
  ])('differs when the %s differs', (_what, other) => {
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

  test('has a sequence that sorts as text in numeric order', () => {
    const sequenceOf = (sequence: number) => JSON.parse(clientEvent({ ...parts, sequence })).sequence
    expect(sequenceOf(9) < sequenceOf(10)).toBe(true)
    expect(sequenceOf(Number.MAX_SAFE_INTEGER)).toBe('00009007199254740991')
  })

  test('keeps a client id with quotes and line breaks intact', () => {
    const clientId = 'a"b\\c\nd\u2028é'
    expect(JSON.parse(clientEvent({ ...parts, clientId }))).toMatchObject({ subject: clientId, partitionkey: clientId })
  })

  test('yields its sequence number for its own source only', () => {
    const text = clientEvent({ ...parts, sequence: 7 })
    const source = eventSource('shop', 'clients')
    expect(sequenceOf({ value: text }, source)).toBe(7)
    expect(sequenceOf({ value: text }, eventSource('shop', 'others'))).toBeUndefined()
    for (const other of ['', 'null', '{}', '[1]', '{"source":1}']) {
      expect(sequenceOf({ value: other }, source), other).toBeUndefined()
    }
  })
})
