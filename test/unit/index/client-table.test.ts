import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { type ClientKey, clientKey, type IndexEntry, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { entry, key, read, words } from './entries.ts'

// Random entries are set in the table and in a map, and both are asked; its memory and its time are measured.

test('answers like a map, whatever is set in whatever order', () => {
  const sets = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 1000 })), { maxLength: 1_000, size: 'max' })
  fc.assert(
    fc.property(sets, sets, (first, second) => {
      const entries = first.map(([client, number]) => [key(client), entry(number)] as const)
      const map = new Map<ClientKey, IndexEntry>(entries)
      const table = clientTable()
      table.setAll(words(entries))
      for (const [client, number] of second) {
        map.set(key(client), entry(number))
        table.set(key(client), entry(number))
      }
      const clients = Array.from({ length: 401 }, (_, client) => key(client))
      expect(clients.map(table.get)).toEqual(clients.map((client) => map.get(client)))
      expect([table.size(), new Map([...table.entries()].flatMap(read))]).toEqual([map.size, map])
    }),
    { numRuns: 15 },
  )
})

test('takes at most 40 bytes a client, and loses none while a part grows', () => {
  const table = clientTable()
  for (let client = 0; client < 30_000; client += 1) {
    table.set(clientKey(`${client}`), entry(client))
    if (client > 10_000 && client % 100 === 0) expect(table.bytes() / table.size()).toBeLessThanOrEqual(40)
  }
  const numbers = Array.from({ length: 30_000 }, (_, client) => table.get(clientKey(`${client}`))?.eventNumber)
  expect(numbers.findIndex((number, client) => number !== client)).toBe(-1)
})

test('takes the entries of another table in their order about as fast as in any other', () => {
  const one = clientTable()
  const other = clientTable()
  const entries = words(Array.from({ length: 30_000 }, (_, client) => [clientKey(`${client}`), entry(client)]))
  const costs = (work: () => void) => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return user + system
  }
  const first = costs(() => one.setAll(entries))
  const parts = [...one.entries()]
  // Crowded together at the beginning of each part, they would take a hundred times as long.
  expect(costs(() => parts.forEach(other.setAll))).toBeLessThan(20 * first)
  expect(other.size()).toBe(30_000)
})

test('gives the entries of a range of event numbers, and on request all whose content is unknown', () => {
  const table = clientTable()
  for (let client = 0; client < 10; client += 1) table.set(key(client), entry(client))
  table.set(key(1), entry(1, { content: UNKNOWN_CONTENT }))
  table.set(key(9), entry(9, { content: UNKNOWN_CONTENT }))
  const numbers = (hasUnknown: boolean) =>
    [...table.entries({ from: 4, to: 7, hasUnknown })].flatMap((part) =>
      read(part).map(([, { eventNumber }]) => eventNumber),
    )
  expect([numbers(false).toSorted(), numbers(true).toSorted()]).toEqual([
    [4, 5, 6],
    [1, 4, 5, 6, 9],
  ])
})
