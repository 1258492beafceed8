import { describe, expect, test } from 'vitest'
import { beginning } from '../../../../../connector/checkpoint/stream-state.ts'
import { type ClientTable, clientTable } from '../../../../../connector/index/client-table.ts'
import { UNKNOWN_CONTENT } from '../../../../../connector/index/index-entry.ts'
import { deltaWords } from '../../../../../connector/index/index-state.ts'
import {
  addMarked,
  type ErasureMark,
  erasureMarks,
  type StoredMarks,
} from '../../../../../connector/pipeline/features/erase/erasure-marks.ts'
import { type BareIndex, withKept } from '../../../../../connector/pipeline/features/kept-entries.ts'
import { codeOf } from '../../../../../connector/runtime/connector-error.ts'
import { LIVE } from '../../../../../connector/scan/scan-state.ts'
import { memoryStore } from '../../../../support/fakes/memory-versioned-object.ts'
import { never } from '../../../../support/signals.ts'
import { entry, key, read } from '../../../index/entries.ts'

const KEY = 'shop/clients.erasures.json'
const mark = (client: number, number: number, rules = 'rules'): ErasureMark => ({
  key: key(client),
  rules,
  entry: entry(number, { mark: 'withdrawn' }),
})

const bare = { rules: ['present'], events: 10, mayBeCarriedOut: () => true }

/** What the marks add to the table. */
function markedEntries(table: ClientTable, index: Omit<BareIndex, 'table'>, marks: StoredMarks) {
  const added: Uint32Array[] = []
  const setAll = (words: Uint32Array) => void added.push(words)
  const made = addMarked(marks, { ...index, table: { get: table.get, setAll } })
  return { ...made, words: added[0] ?? new Uint32Array() }
}

function stage() {
  const store = memoryStore({})
  let nonces = 0
  const marks = erasureMarks({ object: store.object(KEY), newNonce: () => `n${++nonces}` })
  return { store, marks }
}

describe('the object with the erased clients', () => {
  test('is empty when it does not exist', async () => {
    expect(await stage().marks.read(never)).toEqual({ marks: [], open: [] })
  })

  test('keeps what was added, with the rules of each entry, and loses what was removed', async () => {
    const { marks } = stage()
    await marks.update({ add: [mark(1, 5, 'old'), mark(2, 6, 'new')], remove: [] }, never)
    await marks.update({ add: [mark(3, 7, 'old')], remove: [key(2)] }, never)
    const { marks: stored } = await marks.read(never)
    expect(stored.map((one) => [one.key, one.rules, one.entry.number, one.entry.mark])).toEqual([
      [key(1), 'old', 5, 'withdrawn'],
      [key(3), 'old', 7, 'withdrawn'],
    ])
  })

  test('keeps the later one of two marks of a client', async () => {
    const { marks } = stage()
    await marks.update({ add: [mark(1, 9)], remove: [] }, never)
    await marks.update({ add: [mark(1, 5)], remove: [] }, never)
    expect((await marks.read(never)).marks.map((one) => one.entry.number)).toEqual([9])
    await marks.update({ add: [mark(1, 11)], remove: [] }, never)
    expect((await marks.read(never)).marks.map((one) => one.entry.number)).toEqual([11])
  })

  test('keeps a client that is to be erased until its request has ended, and writes nothing twice', async () => {
    const { store, marks } = stage()
    const open = [{ key: key(1), request: 'r1' }]
    await marks.update({ open }, never)
    const text = store.stored(KEY)?.text
    await marks.update({ open }, never)
    expect(store.stored(KEY)?.text).toBe(text)
    expect(await marks.read(never)).toEqual({ marks: [], open })
    await marks.update({ add: [mark(1, 5)], ended: ['r1', 'unknown'] }, never)
    expect(await marks.read(never)).toEqual({ marks: [mark(1, 5)], open: [] })
  })

  test('keeps the marks of two writers at the same time', async () => {
    const { store, marks } = stage()
    const other = erasureMarks({ object: store.object(KEY), newNonce: () => 'other' })
    await Promise.all([
      marks.update({ add: [mark(1, 1)], remove: [] }, never),
      other.update({ add: [mark(2, 2)], remove: [] }, never),
    ])
    expect((await marks.read(never)).marks.map((one) => one.entry.number).toSorted()).toEqual([1, 2])
  })

  test('keeps erased clients of more rules than an entry can name, the last ones with unknown content', async () => {
    const { marks } = stage()
    const add = Array.from({ length: 300 }, (_, client) => mark(client, client, `rules ${client}`))
    await marks.update({ add }, never)
    const stored = await marks.read(never)
    expect(stored.marks.map((one) => one.key)).toEqual(add.map((one) => one.key))
    expect(stored.marks[255]).toMatchObject({ rules: 'rules 255', entry: { content: add[255]?.entry.content } })
    expect(stored.marks[256]?.entry).toMatchObject({ content: UNKNOWN_CONTENT, mark: 'withdrawn', number: 256 })
    const made = markedEntries(clientTable(), bare, { marks: add, open: [] })
    expect([made.rules.length, made.rules[0]]).toEqual([256, 'present'])
    expect(read(made.words)[254]).toEqual([key(254), { ...add[254]?.entry, rules: 255 }])
    expect(read(made.words)[255]?.[1]).toMatchObject({ content: UNKNOWN_CONTENT, mark: 'withdrawn', rules: 0 })
  })

  test.each(['{', '{}', '{"format":1,"nonce":"n","rules":[],"entries":"AAA"}', '{"format":2}'])(
    'is reported when it is damaged, and stays as it is: %s',
    async (text) => {
      const { store, marks } = stage()
      store.tamper(KEY, text)
      expect(await marks.read(never).then(() => 'read', codeOf)).toBe('checkpoint.erasures-damaged')
      const update = marks.update({ add: [mark(1, 1)], remove: [] }, never)
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
    const made = markedEntries(table, bare, { marks: [mark(1, 5), mark(2, 6), mark(3, 7, 'old')], open: [] })
    expect(made).toMatchObject({ rules: ['present', 'rules', 'old'], events: 10 })
    expect(read(made.words)).toEqual([
      [key(1), entry(5, { mark: 'withdrawn', rules: 1 })],
      [key(3), entry(7, { mark: 'withdrawn', rules: 2 })],
    ])
  })

  test('uses no event number of a mark again', () => {
    const withMarks = (marks: readonly ErasureMark[]) =>
      withKept(beginning, (index) => addMarked({ marks, open: [] }, index))
    const state = withMarks([mark(1, 41)])
    expect(state).toMatchObject({ events: 42, index: { rules: ['rules'] } })
    expect(read(deltaWords(state.index.delta))).toEqual([[key(1), entry(41, { mark: 'withdrawn' })]])
    expect(withMarks([])).toBe(beginning)
  })

  test('has a client that is to be erased as the topic and its mark say, else as erased if it may have been', () => {
    const table = clientTable()
    table.set(key(1), entry(9))
    table.set(key(4), entry(5, { mark: 'none' }))
    const open = [1, 2, 3, 4, 5].map((client) => ({ key: key(client), request: `r${client}` }))
    const mayBeCarriedOut = (request: string) => request !== 'r5'
    const made = markedEntries(table, { ...bare, mayBeCarriedOut }, { marks: [mark(2, 6, 'present')], open })
    expect(made).toMatchObject({ rules: ['present'], events: 10 })
    expect(read(made.words)).toEqual([
      [key(2), entry(6, { mark: 'withdrawn' })],
      [key(3), { content: UNKNOWN_CONTENT, mark: 'withdrawn', isDeadLetter: false, number: 0, tag: LIVE, rules: 0 }],
    ])
  })
})
