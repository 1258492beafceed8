import { describe, expect, test } from 'vitest'
import {
  type ErasureMark,
  erasureMarks,
  markedEntries,
  withErasedClients,
} from '../../../connector/checkpoint/erasure-marks.ts'
import { beginning } from '../../../connector/checkpoint/stream-state.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { deltaWords } from '../../../connector/index/index-state.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { entry, key, read } from '../index/entries.ts'

const KEY = 'shop/clients.erasures.json'
const { signal } = new AbortController()
const mark = (client: number, number: number, rules = 'rules'): ErasureMark => ({
  ...{ key: key(client), rules },
  entry: entry(number, { mark: 'erased' }),
})

function stage() {
  const store = memoryStore({})
  let nonces = 0
  const marks = erasureMarks({ object: store.object(KEY), newNonce: () => `n${++nonces}` })
  return { store, marks }
}

describe('the object with the erased clients', () => {
  test('is empty when it does not exist', async () => {
    expect(await stage().marks.read(signal)).toEqual([])
  })

  test('keeps what was added, with the rules of each entry, and loses what was removed', async () => {
    const { marks } = stage()
    await marks.update({ add: [mark(1, 5, 'old'), mark(2, 6, 'new')], remove: [] }, signal)
    await marks.update({ add: [mark(3, 7, 'old')], remove: [key(2)] }, signal)
    const stored = await marks.read(signal)
    expect(stored.map((one) => [one.key, one.rules, one.entry.number, one.entry.mark])).toEqual([
      [key(1), 'old', 5, 'erased'],
      [key(3), 'old', 7, 'erased'],
    ])
  })

  test('keeps the later one of two marks of a client', async () => {
    const { marks } = stage()
    await marks.update({ add: [mark(1, 9)], remove: [] }, signal)
    await marks.update({ add: [mark(1, 5)], remove: [] }, signal)
    expect((await marks.read(signal)).map((one) => one.entry.number)).toEqual([9])
    await marks.update({ add: [mark(1, 11)], remove: [] }, signal)
    expect((await marks.read(signal)).map((one) => one.entry.number)).toEqual([11])
  })

  test('keeps the marks of two writers at the same time', async () => {
    const { store, marks } = stage()
    const other = erasureMarks({ object: store.object(KEY), newNonce: () => 'other' })
    await Promise.all([
      marks.update({ add: [mark(1, 1)], remove: [] }, signal),
      other.update({ add: [mark(2, 2)], remove: [] }, signal),
    ])
    expect((await marks.read(signal)).map((one) => one.entry.number).toSorted()).toEqual([1, 2])
  })

  test.each(['{', '{}', '{"format":1,"nonce":"n","rules":[],"entries":"AAA"}', '{"format":2}'])(
    'is reported when it is damaged, and stays as it is: %s',
    async (text) => {
      const { store, marks } = stage()
      store.tamper(KEY, text)
      expect(await marks.read(signal).then(() => 'read', codeOf)).toBe('checkpoint.erasures-damaged')
      const update = marks.update({ add: [mark(1, 1)], remove: [] }, signal)
      expect(await update.then(() => 'updated', codeOf)).toBe('checkpoint.erasures-damaged')
      expect(store.stored(KEY)?.text).toBe(text)
    },
  )
})

describe('a client index that is rebuilt', () => {
  test('gets the entry of each mark, except of a client with a later event', () => {
    const table = clientTable()
    table.set(key(1), entry(4))
    table.set(key(2), entry(9))
    const made = markedEntries(table, { rules: ['present'], events: 10 }, [mark(1, 5), mark(2, 6), mark(3, 7, 'old')])
    expect(made).toMatchObject({ rules: ['present', 'rules', 'old'], events: 10 })
    expect(read(made.words)).toEqual([
      [key(1), entry(5, { mark: 'erased', rules: 1 })],
      [key(3), entry(7, { mark: 'erased', rules: 2 })],
    ])
  })

  test('uses no event number of a mark again', () => {
    const state = withErasedClients(beginning, [mark(1, 41)])
    expect(state).toMatchObject({ events: 42, index: { rules: ['rules'] } })
    expect(read(deltaWords(state.index.delta))).toEqual([[key(1), entry(41, { mark: 'erased' })]])
    expect(withErasedClients(beginning, [])).toBe(beginning)
  })
})
