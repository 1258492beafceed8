import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { eventId, sequenceText } from '../../../connector/event/client-event.ts'

const parts = { source: '/polaris/shop/clients', clientId: '42', contentHash: 'content', previous: '3' }

describe('an event id', () => {
  test('is the hash of source, client id, content hash and the number of the previous event', () => {
    const text = ['/polaris/shop/clients', '42', 'content', '3'].join('\u0000')
    expect(eventId(parts)).toBe(createHash('sha256').update(text).digest('hex').slice(0, 32))
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

test('a sequence sorts as text in numeric order', () => {
  expect(sequenceText(9) < sequenceText(10)).toBe(true)
  expect(sequenceText(Number.MAX_SAFE_INTEGER)).toBe('00009007199254740991')
})
