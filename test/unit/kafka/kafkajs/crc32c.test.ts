import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32c } from '../../../../connector/kafka/kafkajs/crc32c.ts'

const originalCrc = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C')

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
