import { describe, expect, test } from 'vitest'
import { parseDocument, type StateChange, stateAfter } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  type CheckpointParts,
  streamCheckpoint,
  writeDocument,
} from '../../../connector/checkpoint/stream-checkpoint.ts'
import { validState } from '../../../connector/checkpoint/valid-state.ts'
import type { ClientTable } from '../../../connector/index/client-table.ts'
import { streamIndex } from '../../../connector/index/stream-index.ts'
import type { Version } from '../../../connector/storage/checkpoint-store.ts'
import { type MemoryFault, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { change, documentWith, entriesOf, now, state } from './documents.ts'

// A claimed stream writes to a store in memory, whose next call may fail.

const KEY = 'shop/clients.json'
const bare = { scans: state.scans, mapping: null, parts: {}, carriedOut: [], entries: '' }
/** A change without a transaction. */
const read = (nextEvent: number, entries = '') => ({ ...bare, nextEvent, entries })
const reachedBy = (...changes: readonly StateChange[]) => changes.reduce(stateAfter, state)

/** A stream claimed at epoch 4, with 10 as its committed number. */
async function claimedStream(from = state) {
  const next = { fault: 'none' as MemoryFault }
  const store = memoryStore({ fault: () => next.fault })
  const object = store.object(KEY)
  const document = documentWith({ committed: { state: from } })
  let nonces = 0
  const clock = virtualClock(now)
  const parts: CheckpointParts = {
    object,
    clock,
    indexCache: streamIndex(store.segments(KEY)),
    observe: () => {},
    newNonce: () => `n${++nonces}`,
  }
  const version = (await writeDocument(parts, { document, expected: null }, never)) as Version
  const table = await parts.indexCache.load({ ...document, index: from.index }, never)
  const stored = () => parseDocument(store.stored(KEY)?.text ?? '')
  return {
    checkpoint: streamCheckpoint({ document, version, table }, parts),
    stored,
    /** The table with which the next opening would start. */
    reopened: () => parts.indexCache.load({ ...stored(), index: stored().committed.state.index }, never),
    store,
    next,
    parts,
    clock,
  }
}

describe('the checkpoint of a claimed stream', () => {
  test('keeps the number when it saves a state without a transaction', async () => {
    const { checkpoint, stored } = await claimedStream()
    checkpoint.advance(read(2))
    await checkpoint.save(never)
    expect(stored()).toMatchObject({ pending: null, committed: { epoch: 4, seq: 10, nonce: 'c', expectsRecord: true } })
    await checkpoint.prepare(change, never)
    checkpoint.markCommitted()
    await checkpoint.save(never)
    expect(stored()).toMatchObject({ pending: null, committed: { seq: 11, nonce: 'n2', state: reachedBy(change) } })
    const record = { epoch: 4, seq: 11, nonce: 'n2', nextEvent: change.nextEvent }
    const valid = validState(stored(), { foundRecord: { kind: 'record', record }, mayBegin: false, now })
    expect(valid).toEqual({ kind: 'committed', recordFound: true })
  })

  test('stores nothing that does not follow what is stored', async () => {
    const { checkpoint, stored } = await claimedStream()
    const { nonce } = stored()
    await expect(checkpoint.prepare(read(1), never)).rejects.toMatchObject({ code: 'bug' })
    checkpoint.advance(read(1))
    for (const write of [checkpoint.save, checkpoint.leave])
      await expect(write(never)).rejects.toMatchObject({ code: 'bug' })
    expect(stored().nonce).toBe(nonce)
  })

  test('is held, not lost to another replica, when its document has been deleted', async () => {
    const { checkpoint, store } = await claimedStream()
    store.tamper(KEY, undefined)
    const gone = { code: 'checkpoint.damaged', message: 'write checkpoint: the document is missing' }
    await expect(checkpoint.save(never)).rejects.toMatchObject(gone)
    await expect(checkpoint.prepare(change, never)).rejects.toMatchObject(gone)
  })

  test('takes no index entries without a transaction: the table holds decided ones only', async () => {
    const { checkpoint } = await claimedStream()
    expect(() => checkpoint.advance(read(2, entriesOf([1, 0])))).toThrow('without a transaction')
    expect(checkpoint.table.size()).toBe(0)
  })
})

describe('the client index of a claimed stream', () => {
  const numbers = (table: ClientTable, ...clients: readonly number[]) =>
    clients.map((client) => table.get(key(client))?.eventNumber)

  test('moves with the transaction that decides it: what is pending is not in it', async () => {
    const { checkpoint } = await claimedStream()
    await checkpoint.prepare(change, never)
    expect(numbers(checkpoint.table, 3, 4)).toEqual([undefined, undefined])
    checkpoint.markCommitted()
    expect(numbers(checkpoint.table, 3, 4)).toEqual([2, 3])
  })

  test('has its segment stored before the document that names it', async () => {
    const full = entriesOf(...Array.from({ length: 1_400 }, (_, client) => [client, 0] as const))
    const { checkpoint, store, stored } = await claimedStream({ ...state, index: { ...state.index, delta: full } })
    const order: string[] = []
    const { put } = store.segments(KEY)
    store.segments(KEY).put = async (...args) => {
      await put(...args)
      order.push(`segment, document ${stored().nonce}`)
    }
    await checkpoint.save(never)
    expect(order).toEqual(['segment, document w'])
    expect(stored().committed.state.index).toMatchObject({ delta: '', segments: [{ tier: 0, entries: 1_400 }] })
  })

  test.each(['before', 'after'] as const)(
    'is kept when a prepare fails (%s), since the committed state is the same',
    async (fault) => {
      const { checkpoint, reopened, next } = await claimedStream()
      next.fault = fault
      await checkpoint.prepare(change, never).catch(() => {})
      expect(await reopened()).toBe(checkpoint.table)
    },
  )

  test.each(['before', 'after'] as const)(
    'is read again after a decided transaction when the next write fails (%s), unless that is stored',
    async (fault) => {
      const { checkpoint, reopened, next } = await claimedStream()
      await checkpoint.prepare(change, never)
      checkpoint.markCommitted()
      next.fault = fault
      await checkpoint.prepare(read(5, entriesOf([3, 4])), never).catch(() => {})
      expect(numbers(await reopened(), 3, 4)).toEqual(fault === 'after' ? [2, 3] : [undefined, undefined])
    },
  )
})
