import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { ENTRY_BYTES } from '../../../connector/index/index-entry.ts'
import { deltaText, emptyIndex } from '../../../connector/index/index-state.ts'
import { indexMemory, streamIndex } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { entry, key, words } from './entries.ts'

const stored = { nonce: 'a', index: { ...emptyIndex, delta: deltaText(words([[key(1), entry(1)]])) } }

test('an opening reuses the table once, and only for a document that is known to hold it', async () => {
  const index = streamIndex(memorySegmentStore(), 0)
  const table = clientTable()
  index.keep(table, 'a', 'b')
  expect(await index.load({ ...stored, nonce: 'b' }, never)).toBe(table)
  // The opening may have changed it, and may not have written its claim.
  expect(await index.load(stored, never)).not.toBe(table)
  index.keep(table, 'a', 'b')
  const other = await index.load({ ...stored, nonce: 'c' }, never)
  expect([other === table, other.get(key(1))]).toEqual([false, entry(1)])
  expect(await index.load(stored, never)).not.toBe(table)
})

test('an opening reads the table again when no document is known to hold it', async () => {
  const index = streamIndex(memorySegmentStore(), 0)
  const table = clientTable()
  index.keep(table, 'a')
  index.forget()
  expect(await index.load(stored, never)).not.toBe(table)
})

test('indexes share one memory: one that does not fit is not loaded, until another one is released', async () => {
  const memory = indexMemory(2 * ENTRY_BYTES)
  const [one, other] = [1, 2].map(() => streamIndex(memorySegmentStore(), 0, { memory }))
  if (one === undefined || other === undefined) throw new Error('two indexes')
  const two = {
    ...stored,
    index: { ...stored.index, delta: deltaText(words([1, 2].map((at) => [key(at), entry(at)]))) },
  }
  await one.load(stored, never)
  await expect(other.load(two, never)).rejects.toMatchObject({
    code: 'checkpoint.index-too-large',
    message: expect.stringContaining('2 clients; all indexes of this replica need 72 bytes'),
  })
  one.release()
  expect((await other.load(two, never)).size()).toBe(2)
})
