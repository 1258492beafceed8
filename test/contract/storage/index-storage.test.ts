import { randomUUID } from 'node:crypto'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { openCheckpointStore } from '../../../connector/compose/shared-resources.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import {
  type ClientKey,
  type ContentKey,
  ENTRY_WORDS,
  keyText,
  writeEntry,
} from '../../../connector/index/index-entry.ts'
import { deltaText, emptyIndex, type IndexState, withEntries } from '../../../connector/index/index-state.ts'
import { indexStorage } from '../../../connector/index/index-storage.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type { SegmentStore } from '../../../connector/storage/checkpoint-store.ts'
import { never } from '../../support/signals.ts'

const keyOf = (client: number) => keyText(0, client) as ClientKey
const CLIENTS = 3_000

function segmentsOnRealS3(): SegmentStore {
  const { endpoint, region, bucket, ...credentials } = inject('s3')
  const s3 = { endpoint, region, credentials }
  const url = `s3://${bucket}/${randomUUID()}`
  const parts = { clock: systemClock, onRetry: () => undefined }
  const store = openCheckpointStore({ url, s3 }, parts)
  onTestFinished(() => store.close())
  return store.segments('connector/stream.json')
}

function entriesOf(clients: number): Uint32Array {
  const words = new Uint32Array(clients * ENTRY_WORDS)
  for (let client = 0; client < clients; client += 1) {
    const entry = {
      content: keyText(0, client + 1) as ContentKey,
      number: client,
      scan: 1,
      isDeadLetter: false,
      rules: 0,
    }
    writeEntry(words, client * ENTRY_WORDS, keyOf(client), entry)
  }
  return words
}

/** The storage of an owner, and the index that it has stored: of `CLIENTS` clients, in one segment. */
async function ownerOf(store: SegmentStore, epoch: number) {
  const table = clientTable()
  table.setAll(entriesOf(CLIENTS))
  const parts = { store, table, epoch, clock: systemClock, newNonce: randomUUID, observe: () => {} }
  const storage = indexStorage(emptyIndex, parts)
  onTestFinished(() => storage.close())
  const write = async (index: IndexState) => {
    const next = await storage.represent({ index, events: CLIENTS }, never)
    storage.written(next)
    return next
  }
  return { write, state: await write(withEntries(emptyIndex, deltaText(entriesOf(CLIENTS)))) }
}

test('writes a table in place of segments of which most entries are replaced, and deletes these', async () => {
  const store = segmentsOnRealS3()
  const { write, state } = await ownerOf(store, 1)
  const [first] = state.segments
  if (first === undefined) throw new Error('nothing was stored')
  const replaced = [1, 2].map((more) => ({ ...first, name: `1-${more}`, to: CLIENTS + more }))
  for (const { name } of replaced) await store.put(name, (await store.get(first.name, never)) ?? Buffer.alloc(0), never)
  let stored = await write({ ...state, segments: [first, ...replaced] })
  await vi.waitUntil(async () => {
    stored = await write(stored)
    return stored.segments.every(({ tier }) => tier === 'base')
  })
  const names = stored.segments.map(({ name }) => name)
  await vi.waitUntil(async () => (await store.list(never)).length === names.length)
  expect(await store.list(never)).toEqual(names)
  const table = await loadTable(store, stored, never)
  expect([table.size(), table.get(keyOf(CLIENTS - 1))?.number]).toEqual([CLIENTS, CLIENTS - 1])
})

test('deletes segments that an earlier claim left, and keeps those of later claims', async () => {
  const store = segmentsOnRealS3()
  for (const name of ['1-left', '3-of-a-successor']) await store.put(name, Buffer.from('any'), never)
  const { state } = await ownerOf(store, 2)
  const own = state.segments.map(({ name }) => name)
  await vi.waitUntil(async () => !(await store.list(never)).includes('1-left'))
  expect((await store.list(never)).toSorted()).toEqual([...own, '3-of-a-successor'].toSorted())
})
