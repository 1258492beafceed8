import { expect, test } from 'vitest'
import type { Version } from '../../../connector/storage/versioned-object.ts'
import { type MemoryFault, memoryStore } from '../../support/memory-versioned-object.ts'

const never = new AbortController().signal

function open(...faults: MemoryFault[]) {
  const store = memoryStore({ fate: () => faults.shift() ?? 'none' })
  return { store, object: store.object('k') }
}

test('a fault before: nothing happened', async () => {
  const { store, object } = open('before')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')).toBeUndefined()
})

test('a fault after: it happened, and the answer was lost', async () => {
  const { store, object } = open('after')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')?.text).toBe('text')
})

test('a late write takes effect when it arrives, once', async () => {
  const { store, object } = open('late')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')).toBeUndefined()
  const [late] = store.late
  expect(late?.arrive()).toBe(true)
  expect(store.late).toEqual([])
  expect(late?.arrive()).toBe(false)
  expect(store.history('k')).toEqual(['text'])
})

test('a late write has no effect when the object has moved on', async () => {
  const { store, object } = open('late')
  await expect(object.write('late', null, never)).rejects.toThrow()
  await object.write('first', null, never)
  expect(store.late[0]?.arrive()).toBe(false)
  expect(store.stored('k')?.text).toBe('first')
})

test('what an operator does is seen as another version', async () => {
  const { store, object } = open()
  const outcome = await object.write('text', null, never)
  store.tamper('k', 'text')
  expect(await object.write('next', (outcome as { version: Version }).version, never)).toEqual({ kind: 'conflict' })
  store.tamper('k', undefined)
  expect(await object.read(never)).toBeUndefined()
})
