import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareEncoderMemory } from '../../../../connector/kafka/kafkajs/encoder-memory.ts'

const Original = createRequire(import.meta.url)('kafkajs/src/protocol/encoder')
class Sharing extends Original {}
shareEncoderMemory(Sharing.prototype as never)

interface Layer {
  readonly header: string
  readonly as: 'encoder' | 'bytes' | 'array'
  readonly trailer: number
}

/** Encodes as kafkajs does for a request: an array of records inside nested encoders. */
function encode(Encoder: typeof Original, records: readonly Buffer[], layers: readonly Layer[]): Buffer {
  const encoders = records.map((record) => new Encoder().writeBuffer(record))
  let inner = new Encoder().writeInt32(encoders.length).writeEncoderArray(encoders)
  for (const { header, as, trailer } of layers) {
    const outer = new Encoder().writeString(header)
    if (as === 'encoder') outer.writeEncoder(inner)
    else if (as === 'bytes') outer.writeBytes(inner.buffer)
    else outer.writeArray([inner])
    for (let written = 0; written < trailer; written++) outer.writeInt32(written)
    inner = outer
  }
  return inner.buffer
}

describe('shareEncoderMemory', () => {
  const record = fc.integer({ min: 0, max: 9_000 }).map((length) => Buffer.alloc(length, length % 251))
  const layer = fc.record<Layer>({
    header: fc.string({ maxLength: 300 }),
    as: fc.constantFrom('encoder', 'bytes', 'array'),
    trailer: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  })

  it('produces the same bytes as kafkajs for any nesting', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.array(layer, { maxLength: 9 }), (records, layers) => {
        expect(encode(Sharing, records, layers).equals(encode(Original, records, layers))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('writes the headers of outer encoders into the headroom of large content', () => {
    const content = new Sharing().writeEncoderArray([new Sharing().writeBuffer(Buffer.alloc(100_000, 1))])
    const outer = new Sharing().writeInt32(7).writeEncoder(content)
    expect(outer.buffer.buffer).toBe(content.buffer.buffer)
    expect(outer.buffer.readInt32BE(0)).toBe(7)
  })

  it('copies content from a buffer that it did not allocate', () => {
    const foreign = Buffer.alloc(200_000, 2).subarray(100_000)
    const outer = new Sharing().writeInt32(7).writeBuffer(foreign)
    expect(outer.buffer.buffer).not.toBe(foreign.buffer)
    expect(foreign.buffer.byteLength).toBe(200_000)
    expect(Buffer.from(foreign.buffer, 99_996, 4).readInt32BE(0)).not.toBe(7)
  })
})
