import { describe, expect, test } from 'vitest'
import { clientTable } from '../../../connector/index/client-table.ts'
import { ENTRY_BYTES } from '../../../connector/index/index-entry.ts'
import { deltaText, emptyIndex } from '../../../connector/index/index-state.ts'
import { MAX_SEGMENT_ENTRIES, segmentBytes, sortedEntries } from '../../../connector/index/segment.ts'
import { indexMemory, maxIndexBytes, streamIndex } from '../../../connector/index/stream-index.ts'
import { writeSegment } from '../../../connector/index/write-segment.ts'
import { memorySegmentStore, type SegmentCall, type SegmentFault } from '../../support/fakes/memory-segment-store.ts'
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
    message: expect.stringContaining('2 clients; all indexes of this replica need 1 MiB'),
  })
  one.release()
  expect((await other.load(two, never)).size()).toBe(2)
})

describe('an index of several segments', () => {
  async function stored(fault: (call: SegmentCall) => SegmentFault = () => 'none') {
    const calls: string[] = []
    const store = memorySegmentStore((call) => {
      if (call.kind === 'get') calls.push(call.name)
      return fault(call)
    })
    const segments = []
    for (let at = 0; at < 4; at += 1) {
      const sorted = words([0, 1].map((more) => [key(2 * at + more), entry(at)]))
      const segment = { tier: at < 3 ? ('base' as const) : 0, bytes: segmentBytes(sortedEntries(sorted)) }
      segments.push(await writeSegment({ store, epoch: 1, newNonce: () => `s${at}` }, segment, never))
    }
    return { store, calls, document: { nonce: 'a', index: { ...emptyIndex, segments } } }
  }

  test('is held before any is read when those of the whole index alone do not fit', async () => {
    const { store, calls, document } = await stored()
    const index = streamIndex(store, 0, { memory: indexMemory(5 * ENTRY_BYTES) })
    await expect(index.load(document, never)).rejects.toMatchObject({ code: 'checkpoint.index-too-large' })
    expect(calls).toEqual([])
  })

  test('continues where the store failed: what has arrived is not read again', async () => {
    const failing = ['1-s2']
    const { store, calls, document } = await stored(({ kind, name }) =>
      kind === 'get' && failing.includes(name) ? 'before' : 'none',
    )
    const index = streamIndex(store, 0)
    await expect(index.load(document, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
    failing.pop()
    calls.length = 0
    const progress: number[] = []
    const table = await index.load(document, never, (entries, of) => progress.push(entries / of))
    expect([calls, progress, table.size()]).toEqual([['1-s2', '1-s3'], [0.75, 1], 8])
  })

  test('begins again when its first segments are others', async () => {
    const failing = ['1-s2']
    const { store, calls, document } = await stored(({ kind, name }) =>
      kind === 'get' && failing.includes(name) ? 'before' : 'none',
    )
    const index = streamIndex(store, 0)
    await expect(index.load(document, never)).rejects.toMatchObject({ code: 'storage.unavailable' })
    calls.length = 0
    const [first, ...others] = document.index.segments
    const other = { ...document.index, segments: others.filter(({ name }) => name !== '1-s2') }
    const table = await index.load({ ...document, index: other }, never)
    expect([first?.name, calls, table.size()]).toEqual(['1-s0', ['1-s1', '1-s3'], 4])
  })

  test('is read one large segment at a time, and many small ones at once', async () => {
    const { store, document } = await stored()
    const [most, waiting] = [{ at: 0 }, new Set<string>()]
    const get: typeof store.get = async (name, stop) => {
      waiting.add(name)
      most.at = Math.max(most.at, waiting.size)
      await new Promise(setImmediate)
      waiting.delete(name)
      return store.get(name, stop)
    }
    await streamIndex({ ...store, get }, 0).load(document, never)
    expect(most.at).toBe(4)
    most.at = 0
    const large = document.index.segments.map((one) => ({ ...one, entries: MAX_SEGMENT_ENTRIES }))
    await streamIndex({ ...store, get }, 0).load({ ...document, index: { ...document.index, segments: large } }, never)
    expect(most.at).toBe(1)
  })
})

test('an index may use what the container leaves beside the program', () => {
  const mib = (bytes: number) => bytes / 1024 ** 2
  const [small, container, machine] = [384, 768, 16_384].map((size) => size * 1024 ** 2) as [number, number, number]
  expect([small, container].map((limit) => mib(maxIndexBytes(limit, machine)))).toEqual([128, 512])
  for (const none of [0, 2 ** 63]) expect(mib(maxIndexBytes(none, machine))).toBe(16_384 - 256)
})
