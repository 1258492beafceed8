import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ClientKey,
  type ContentKey,
  clientKey,
  contentKey,
  ENTRY_BYTES,
  entryBytes,
  entryWords,
  keyText,
  MAX_EVENT_NUMBER,
} from '../../../connector/index/index-entry.ts'
import { entry, key, read, words } from './entries.ts'

const anyWord = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const anyKey = fc.tuple(anyWord, anyWord).map(([high, low]) => keyText(high, low))
const anyEntry = fc.record({
  content: anyKey.map((value) => value as ContentKey),
  eventNumber: fc.integer({ min: 0, max: MAX_EVENT_NUMBER }),
  scanNumber: anyWord,
  isDeadLetter: fc.boolean(),
})

test('reads every entry back as it was written, through the bytes that are stored', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          anyKey.map((value) => value as ClientKey),
          anyEntry,
        ),
      ),
      (entries) => {
        const bytes = entryBytes(words(entries))
        expect(bytes).toHaveLength(entries.length * ENTRY_BYTES)
        expect(read(entryWords(bytes))).toEqual(entries)
      },
    ),
  )
})

test('stores an entry as 28 bytes of a layout that does not change', () => {
  const client = keyText(0x0123_4567, 0x89ab_cdef) as ClientKey
  const written = words([[client, entry(0x12_3456_789a, { scanNumber: 5, isDeadLetter: true })]])
  expect(entryBytes(written).toString('hex')).toBe(
    '67452301efcdab89120000009b785634' + '9a785634' + '12000880' + '05000000',
  )
})

test('takes keys from the first 64 bits of SHA-256', () => {
  const hex = (key: string) => Buffer.from(key, 'latin1').toString('hex')
  expect(hex(clientKey('103661'))).toBe(hash('sha256', '103661').slice(0, 16))
  expect(hex(contentKey(hash('sha256', 'content', 'base64url')))).toBe(hash('sha256', 'content').slice(0, 16))
})

test('never takes a real content for an unknown one', () => {
  expect(contentKey(Buffer.alloc(32).toString('base64url'))).toBe(keyText(0, 1))
})

test('refuses an event number that it cannot hold', () => {
  expect(() => words([[key(1), entry(MAX_EVENT_NUMBER + 1)]])).toThrow(RangeError)
})
