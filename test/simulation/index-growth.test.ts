import { expect, test } from 'vitest'
import { ENTRY_BYTES, withUnknownContents } from '../../connector/index/index-entry.ts'
import { deltaOf, withEntries } from '../../connector/index/index-state.ts'
import { entry, key, words } from '../unit/index/entries.ts'
import { range, type Stage, stage } from '../unit/index/storage-stage.ts'

test.each([
  ['new clients', (transaction: number) => range(transaction * 2_000, 2_000)],
  ['the same clients again and again', () => range(0, 2_000)],
  ['few clients, far more often than there are', (transaction: number) => range(transaction % 50, 300)],
  ['some of many', (transaction: number) => range((transaction * 7_919) % 90_000, 1_400)],
])('writes at most five times what is added, and keeps at most twice what there is: %s', async (_what, clientsOf) => {
  const one = await stage()
  expect(await writtenPerAdded(one, clientsOf)).toBeLessThanOrEqual(5)
  await one.commit([])
  await one.settled()
  await one.commit([])
  const entries = one.state.segments.reduce((sum, segment) => sum + segment.entries, 0)
  expect(entries).toBeLessThanOrEqual(2 * one.table.size() + 4_000)
})

test('writes at most five times what is added beside 10,000 clients whose content is unknown', async () => {
  const one = await stage()
  const removed = range(200_000, 10_000)
  await one.commit(removed)
  // A removal lets the contents be unknown, as a rewind does at its claim.
  const entries = withUnknownContents(words(removed.map((client, number) => [key(client), entry(number)])))
  one.state = withEntries(one.state, deltaOf(entries))
  one.table.setAll(entries)
  const clientsOf = (transaction: number) => range((transaction * 7_919) % 38_000, 1_400)
  expect(await writtenPerAdded(one, clientsOf)).toBeLessThanOrEqual(5)
})

async function writtenPerAdded(one: Stage, clientsOf: (transaction: number) => number[]): Promise<number> {
  let added = 0
  for (let transaction = 0; transaction < 150; transaction += 1) {
    const clients = clientsOf(transaction)
    added += clients.length * ENTRY_BYTES
    await one.commit(clients)
    await one.settled()
  }
  return one.store.written() / added
}
