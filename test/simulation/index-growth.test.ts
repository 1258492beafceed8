import { expect, test } from 'vitest'
import { ENTRY_BYTES } from '../../connector/index/index-entry.ts'
import { range, stage } from '../unit/index/storage-stage.ts'

test.each([
  ['new clients', (transaction: number) => range(transaction * 2_000, 2_000)],
  ['the same clients again and again', () => range(0, 2_000)],
  ['few clients, far more often than there are', (transaction: number) => range(transaction % 50, 300)],
  ['some of many', (transaction: number) => range((transaction * 7_919) % 90_000, 1_400)],
])('writes at most five times what is added, and keeps at most twice what there is: %s', async (_what, clientsOf) => {
  const one = await stage()
  let added = 0
  for (let transaction = 0; transaction < 150; transaction += 1) {
    const clients = clientsOf(transaction)
    added += clients.length * ENTRY_BYTES
    await one.commit(clients)
    await one.settled()
  }
  expect(one.store.written()).toBeLessThanOrEqual(5 * added)
  await one.commit([])
  await one.settled()
  await one.commit([])
  const entries = one.state.segments.reduce((sum, segment) => sum + segment.entries, 0)
  expect(entries).toBeLessThanOrEqual(2 * one.table.size() + 4_000)
})
