import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { deltaOf, emptyIndex } from '../../../connector/index/index-state.ts'
import { streamIndex } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { entry, key, words } from './entries.ts'

const stored = { nonce: 'a', index: { ...emptyIndex, delta: deltaOf(words([[key(1), entry(1)]])) } }

test('openings reuse the table until it is changed, and only for a document that is known to hold it', async () => {
  const index = streamIndex(memorySegmentStore())
  const table = clientTable()
  index.keep(table, 'a', 'b')
  expect(await index.load({ ...stored, nonce: 'b' }, never)).toBe(table)
  expect(await index.load(stored, never)).toBe(table)
  const other = await index.load({ ...stored, nonce: 'c' }, never)
  expect([other === table, other.get(key(1))]).toEqual([false, entry(1)])
  const read = await index.load(stored, never)
  expect(read).not.toBe(table)
  expect(await index.load(stored, never)).toBe(read)
  index.forget()
  expect(await index.load(stored, never)).not.toBe(read)
})
