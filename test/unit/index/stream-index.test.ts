import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { deltaText, emptyIndex } from '../../../connector/index/index-state.ts'
import { streamIndex } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { entry, key, words } from './entries.ts'

const stored = { nonce: 'a', index: { ...emptyIndex, delta: deltaText(words([[key(1), entry(1)]])) } }

test('an opening reuses the table once, and only for a document that is known to hold it', async () => {
  const index = streamIndex(memorySegmentStore())
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
