import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecordMemory } from '../../../connector/event/packed-record.ts'

/** Also characters of four bytes, and halves of them. */
const codeUnit = fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.constantFrom(0xd83d, 0xde00))
const anyText = fc
  .tuple(fc.array(codeUnit, { maxLength: 12 }), fc.constantFrom(1, 1, 100, 5_000))
  .map(([units, times]) => String.fromCharCode(...units).repeat(times))

/** The records of some values that are sent together, with the memory that they share. */
function packedTogether(values: readonly string[]) {
  const memory = new RecordMemory()
  const packed = values.map((value, at) => memory.pack({ to: 'events', key: `${at}`, value, headers: {} }))
  return { memory, packed, bytes: packed.map((record) => record.value) }
}

describe('a packed record', () => {
  test('has the value in UTF-8, whatever the text, and however many share the memory', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 20 }), (values) => {
        const { bytes } = packedTogether(values)
        expect(values.every((value, at) => bytes[at]?.equals(Buffer.from(value)))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('keeps its destination, key and headers', () => {
    const headers = { 'content-type': 'application/json' }
    const packed = new RecordMemory().pack({ to: 'deadLetters', key: null, value: '{}', headers })
    expect(packed).toEqual({ to: 'deadLetters', key: null, value: Buffer.from('{}'), headers })
  })

  test('has no value if it is a tombstone', () => {
    const { value } = new RecordMemory().pack({ to: 'events', key: '1', value: null, headers: {} })
    expect(value).toBeNull()
  })

  test.each([
    ['is larger than a block', ['before', 'é'.repeat(300_000), 'after']],
    ['ends where a block ends', ['a', '€'.repeat(1_365), '', 'after']],
    ['is one of many', Array.from({ length: 50_000 }, (_, at) => `value ${at}`)],
  ])('keeps apart from the others when its value %s', (_, values) => {
    expect(packedTogether(values).bytes.map(String)).toEqual(values)
  })

  test('has an empty value once the memory is freed, and the next one is not affected', () => {
    const { memory, packed, bytes } = packedTogether(['a', 'b'.repeat(10_000), 'c'])
    memory.free()
    expect(bytes.map((value) => value?.length)).toEqual([0, 0, 0])
    expect(packed.map(({ key }) => key)).toEqual(['0', '1', '2'])
    const next = memory.pack({ to: 'events', key: '3', value: 'd', headers: {} })
    expect(String(next.value)).toBe('d')
    memory.free()
    memory.free()
    expect(next.value).toHaveLength(0)
  })
})
