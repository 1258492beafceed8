import { expect, test } from 'vitest'
import { type MemoryFault, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { never } from '../../support/signals.ts'

function open(...faults: MemoryFault[]) {
  const store = memoryStore({ fault: () => faults.shift() ?? 'none' })
  return { store, object: store.object('k') }
}

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
