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
import { type IndexEvent, indexStorage } from '../../../connector/index/index-storage.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { checkpointStoreDefaults } from '../../../connector/storage/checkpoint-store-config.ts'
import type { SegmentStore } from '../../../connector/storage/segment-store.ts'
import { never } from '../../support/signals.ts'

const keyOf = (client: number) => keyText(0, client) as ClientKey
const CLIENTS = 3_000

function segmentsOnRealS3(): SegmentStore {
  const { endpoint, region, bucket, ...credentials } = inject('s3')
  const s3 = { ...checkpointStoreDefaults.s3, endpoint, region, credentials }
  const url = `s3://${bucket}/${randomUUID()}`
  const parts = { clock: systemClock, onRetry: () => undefined }
  const store = openCheckpointStore({ url, callWithinMs: 15_000, s3 }, parts)
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

/** The storage of an owner whose index of `CLIENTS` clients is in one segment. */
async function ownerOf(store: SegmentStore, epoch: number) {
  const events: IndexEvent[] = []
  const table = clientTable(entriesOf(CLIENTS))
  const parts = { store, table, epoch, clock: systemClock, newNonce: randomUUID }
  const storage = indexStorage(emptyIndex, { ...parts, observe: (event) => void events.push(event) })
  onTestFinished(() => storage.close())
  const write = async (state: IndexState) => {
    const next = await storage.represent(state, never)
    storage.written(next)
    return next
  }
  return { storage, events, write, state: await write(withEntries(emptyIndex, deltaText(entriesOf(CLIENTS)))) }
}

test('writes the index again from memory when an audit finds that a bucket rule removed a segment', async () => {
  const store = segmentsOnRealS3()
  const { storage, events, write, state } = await ownerOf(store, 1)
  const [removed] = state.segments
  await store.remove(removed?.name ?? '', never)
  storage.audit()
  await vi.waitUntil(() => events.some(({ kind }) => kind === 'segments-missing'))
  await write(state)
  await vi.waitUntil(() => events.some((event) => event.kind === 'segment-written' && event.tier === 'base'))
  const repaired = await write(state)
  expect(repaired.segments.map(({ tier }) => tier)).toEqual(['base'])
  expect(await store.list(never)).toEqual(repaired.segments.map(({ name }) => name))
  const table = await loadTable(store, repaired, never)
  expect(table.size()).toBe(CLIENTS)
  expect(table.get(keyOf(CLIENTS - 1))?.number).toBe(CLIENTS - 1)
})

test('deletes segments that an earlier claim left, and keeps those of later claims', async () => {
  const store = segmentsOnRealS3()
  const orphans = ['1-left', '3-of-a-successor']
  for (const name of orphans) await store.put(name, Buffer.from('any'), never)
  const { storage, state } = await ownerOf(store, 2)
  storage.audit()
  const own = state.segments.map(({ name }) => name)
  await vi.waitUntil(async () => !(await store.list(never)).includes('1-left'))
  expect((await store.list(never)).toSorted()).toEqual([...own, '3-of-a-successor'].toSorted())
})
