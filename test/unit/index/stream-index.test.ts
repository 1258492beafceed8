import { expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { entryBytes } from '../../../connector/index/index-entry.ts'
import { deltaOf, emptyIndex } from '../../../connector/index/index-state.ts'
import { segmentHash } from '../../../connector/index/segments.ts'
import { loadTable, streamIndex } from '../../../connector/index/stream-index.ts'
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

test('frees the memory of a segment once it is in the table, unless it is shared', async () => {
  const bytes = entryBytes(words([[key(1), entry(1)]]))
  const own = Uint8Array.from(bytes)
  const shared = Uint8Array.from([...bytes, 7])
  const answers: Record<string, Uint8Array> = { own, shared: shared.subarray(0, bytes.length) }
  const store = { ...memorySegmentStore(), get: async (name: string) => answers[name] }
  const sha256 = segmentHash(bytes)
  const segmentOf = (name: string) => ({ name, tier: 0, from: 0, to: 2, entries: 1, hasUnknown: false, sha256 })
  const segments = ['own', 'shared'].map(segmentOf)
  const table = await loadTable(store, { segments, delta: '' }, never)
  expect([table.get(key(1)), own.length, shared.at(-1)]).toEqual([entry(1), 0, 7])
})
