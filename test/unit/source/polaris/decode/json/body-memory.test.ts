import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyMemory } from '../../../../../../connector/source/polaris/decode/json/body-memory.ts'

const bodyOf = (parts: readonly Buffer[]) => {
  const body = new BodyMemory()
  for (const part of parts) body.add(part)
  return body
}

describe('the memory of a body', () => {
  const small = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes))
  const large = fc
    .tuple(fc.constantFrom(64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000), fc.nat(255))
    .map(([length, byte]) => Buffer.alloc(length, byte))

  it('contains its parts one after another, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: small }, large), { maxLength: 12 }), (parts) => {
        expect(bodyOf(parts).bytes().equals(Buffer.concat(parts))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('is a copy: a part may be overwritten once it is added', () => {
    const part = Buffer.from('abc')
    const body = bodyOf([part])
    part.fill(0)
    expect(String(body.bytes())).toBe('abc')
  })

  it.each([0, 1, 200_000])('is empty once it is freed, after a body of %i bytes', (length) => {
    const body = bodyOf([Buffer.alloc(length, 'a')])
    const bytes = body.bytes()
    expect(bytes).toHaveLength(length)
    body.free()
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([0, 0])
  })
})
