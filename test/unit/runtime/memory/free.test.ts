import { expect, it } from 'vitest'
import { free } from '../../../../connector/runtime/memory/free.ts'

it('frees bytes that have memory of their own: all views of it are empty', () => {
  const bytes = Buffer.allocUnsafeSlow(100)
  const part = bytes.subarray(10, 20)
  free(bytes)
  expect([bytes.length, part.length, bytes.buffer.byteLength]).toEqual([0, 0, 0])
})

it.each([
  ["of Node's pool", Buffer.from('abc')],
  ['at the start of a memory', Buffer.alloc(100, 'abc').subarray(0, 3)],
  ['at the end of a memory', Buffer.alloc(99, 'abc').subarray(96)],
  ['that another thread may use', Buffer.from(new SharedArrayBuffer(3)).fill('abc')],
])('leaves a part %s alone', (_, bytes) => {
  free(bytes)
  expect(String(bytes)).toBe('abc')
})
