import { expect, test } from 'vitest'
import type { Version } from '../../../connector/storage/checkpoint-store.ts'
import { type MemoryFault, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { never } from '../../support/signals.ts'

function open(...faults: MemoryFault[]) {
  const store = memoryStore({ fault: () => faults.shift() ?? 'none' })
  return { store, object: store.object('k') }
}

test('does not write when the fault is `before`', async () => {
  const { store, object } = open('before')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')).toBeUndefined()
})

test('writes and loses the response when the fault is `after`', async () => {
  const { store, object } = open('after')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')?.text).toBe('text')
})

test('writes once, on arrival, when the fault is `late`', async () => {
  const { store, object } = open('late')
  await expect(object.write('text', null, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(store.stored('k')).toBeUndefined()
  const [late] = store.late
  expect(late?.arrive()).toBe(true)
  expect(store.late).toEqual([])
  expect(late?.arrive()).toBe(false)
  expect(store.history('k')).toEqual(['text'])
})

test('does not apply a late write when the object has changed', async () => {
  const { store, object } = open('late')
  await expect(object.write('late', null, never)).rejects.toThrow()
  await object.write('first', null, never)
  expect(store.late[0]?.arrive()).toBe(false)
  expect(store.stored('k')?.text).toBe('first')
})

test('a change by an operator is a new version', async () => {
  const { store, object } = open()
  const outcome = await object.write('text', null, never)
  store.tamper('k', 'text')
  expect(await object.write('next', (outcome as { version: Version }).version, never)).toEqual({ kind: 'conflict' })
  store.tamper('k', undefined)
  expect(await object.read(never)).toBeUndefined()
})
