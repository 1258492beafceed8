import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { type ClientKey, ENTRY_WORDS, type IndexEntry } from '../../../connector/index/index-entry.ts'
import { sortedEntries } from '../../../connector/index/segment.ts'
import { entry, joined, key, read, words } from './entries.ts'

test('answers like a map, whatever is set in whatever order, before and after it is built from a sorted run', () => {
  const sets = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 1000 })), { maxLength: 200 })
  fc.assert(
    fc.property(sets, sets, (first, second) => {
      const map = new Map<ClientKey, IndexEntry>(first.map(([client, number]) => [key(client), entry(number)]))
      const table = clientTable(sortedEntries(words(first.map(([client, number]) => [key(client), entry(number)]))))
      for (const [client, number] of second) {
        map.set(key(client), entry(number))
        table.set(key(client), entry(number))
      }
      for (let client = 0; client <= 60; client += 1) expect(table.get(key(client))).toEqual(map.get(key(client)))
      expect(table.size()).toBe(map.size)
      const all = read(joined([...table.partitions()]))
      expect(new Map(all)).toEqual(map)
      expect(all.map(([client]) => client)).toEqual([...map.keys()].toSorted((a, b) => (a < b ? -1 : 1)))
    }),
  )
})

test('is exactly as large as its entries when it is made of sorted pieces, however they are cut', () => {
  const clients = fc.uniqueArray(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(clients, fc.nat({ max: 300 }), (chosen, cut) => {
      const sorted = sortedEntries(words(chosen.map((client) => [key(client), entry(client)])))
      const at = Math.min(sorted.length, cut * ENTRY_WORDS)
      const table = clientTable(sorted.slice(0, at))
      table.merge(sorted.slice(at))
      expect([joined([...table.partitions()]), table.size()]).toEqual([sorted, chosen.length])
      expect(table.bytes()).toBe(sorted.byteLength)
    }),
  )
})

test('takes the last of several entries of one client', () => {
  const table = clientTable()
  table.setAll(
    words([
      [key(1), entry(1)],
      [key(2), entry(2)],
      [key(1), entry(3)],
    ]),
  )
  expect(table.get(key(1))?.number).toBe(3)
  expect(table.size()).toBe(2)
})

test('takes 36 bytes a client, and little more for what is new', () => {
  const clients = 60_000
  const table = clientTable()
  for (let client = 0; client < clients; client += 1) table.set(key(client), entry(client))
  expect(table.bytes() / clients).toBeLessThan(39)
  expect(clientTable(joined([...table.partitions()])).bytes() / clients).toBe(36)
})
