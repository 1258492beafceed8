import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, type EncodedRecord, recordEncoder } from '../../../../connector/kafka/kafkajs/record-encoder.ts'

const load = createRequire(import.meta.url)
const original = load('kafkajs/src/protocol/recordBatch/record/v0')
const originalCrc = load('kafkajs/src/protocol/recordBatch/crc32C')

const notUsed = (): EncodedRecord => {
  throw new Error('the original encoder was called')
}

describe('recordEncoder', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ minLength: 50, maxLength: 70 }),
    fc.string({ minLength: 8_180, maxLength: 8_200 }),
  )
  const bytes = text.map((value) => Buffer.from(value))
  const small = fc.integer({ min: 0, max: 2 ** 30 - 1 })
  const record = fc.record({
    offsetDelta: fc.oneof(small, fc.constantFrom(0, 63, 64, 8191, 8192)),
    timestampDelta: fc.oneof(fc.constant(0), small),
    key: fc.oneof(fc.constant(null), bytes),
    value: text,
    headers: fc.dictionary(fc.string({ minLength: 1 }), bytes, { maxKeys: 3 }),
  })

  it('produces the same bytes as kafkajs for the records that the connector sends', () => {
    const encode = recordEncoder(notUsed)
    fc.assert(
      fc.property(record, (any) => {
        const encoded = encode(any)
        expect(encoded.buffer.equals(original(any).buffer)).toBe(true)
        expect(encoded.buf.equals(encoded.buffer)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a text key', { key: 'a', value: 'b' }],
    ['no value', { key: Buffer.from('a'), value: null }],
    ['a binary value', { key: null, value: Buffer.from('b') }],
    ['an older timestamp', { key: null, value: 'b', timestampDelta: -1 }],
    ['a text header', { key: null, value: 'b', headers: { a: 'b' } }],
  ])('passes a record with %s to kafkajs', (_what, given) => {
    let received: unknown
    const answer = { buf: Buffer.alloc(0), buffer: Buffer.alloc(0) }
    const encode = recordEncoder((passed) => {
      received = passed
      return answer
    })
    expect(encode(given)).toBe(answer)
    expect(received).toBe(given)
  })
})

describe('crc32c', () => {
  it('returns the check value of the algorithm', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
  })

  it('returns the same checksum as kafkajs for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        expect(crc32c(any)).toBe(originalCrc(any))
      }),
      { numRuns: 500 },
    )
  })
})
