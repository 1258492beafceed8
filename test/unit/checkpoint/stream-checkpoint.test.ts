import { describe, expect, test } from 'vitest'
import type { StateChange } from '../../../connector/checkpoint/checkpoint-document.ts'
import { parseDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  type CheckpointParts,
  type StreamCheckpoint,
  streamCheckpoint,
  writeDocument,
} from '../../../connector/checkpoint/stream-checkpoint.ts'
import { committedByRecord, stateAfter } from '../../../connector/checkpoint/transitions.ts'
import { validState } from '../../../connector/checkpoint/valid-state.ts'
import type { ClientTable } from '../../../connector/index/client-table.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import { streamIndex } from '../../../connector/index/stream-index.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import { type MemoryFault, memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { entriesOf as entriesIn } from '../index/storage-stage.ts'
import { change, documentWith, entriesOf, now, state } from './documents.ts'

const KEY = 'shop/clients.json'
const bare = { scans: state.scans, mapping: null, parts: {}, carriedOut: [], entries: '' }
/** A change without a transaction. */
const read = (events: number, entries = '') => ({ ...bare, events, entries })
const reachedBy = (...changes: readonly StateChange[]) => changes.reduce(stateAfter, state)

/** A stream claimed at epoch 4, with 10 as its committed number. */
async function claimedStream(from = state) {
  const next = { fault: 'none' as MemoryFault }
  const store = memoryStore({ fault: () => next.fault })
  const object = store.object(KEY)
  const document = documentWith({ committed: { state: from } })
  const written: number[] = []
  let nonces = 0
  const clock = virtualClock(now)
  const parts: CheckpointParts = {
    ...{ object, clock, index: streamIndex(store.segments(KEY)), observe: () => {} },
    newNonce: () => `n${++nonces}`,
    onWritten: (bytes: number) => written.push(bytes),
  }
  const version = await writeDocument(parts, { document, expected: null }, never)
  const table = await parts.index.load({ ...document, index: from.index }, never)
  const stored = () => parseDocument(store.stored(KEY)?.text ?? '')
  return {
    checkpoint: streamCheckpoint({ document, version, table }, parts),
    stored,
    /** The table with which the next opening would start. */
    reopened: () => parts.index.load({ ...stored(), index: stored().committed.state.index }, never),
    ...{ store, written, next, parts, clock },
  }
}

describe('the checkpoint of a claimed stream', () => {
  test('prepares the next transaction beside the committed state, which stays valid', async () => {
    const { checkpoint, stored } = await claimedStream()
    const record = await checkpoint.prepare(change, never)
    expect(record).toEqual({ epoch: 4, seq: 11, nonce: 'n1', events: change.events })
    expect(stored().committed.state).toEqual(state)
    expect(stored().pending).toEqual({ epoch: 4, seq: 11, nonce: 'n1', at: now, change })
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([10, state])
  })

  test('advances without another write when the transaction is decided', async () => {
    const { checkpoint, store } = await claimedStream()
    await checkpoint.prepare(change, never)
    const writes = store.history(KEY).length
    checkpoint.decided()
    expect(store.history(KEY)).toHaveLength(writes)
    expect([checkpoint.seq(), checkpoint.state(), checkpoint.isSaved()]).toEqual([11, reachedBy(change), false])
  })

  test('writes the decided state with the next prepare, equal to that of the reloaded document', async () => {
    const { checkpoint, stored } = await claimedStream()
    await checkpoint.prepare(change, never)
    const onDisk = stored()
    checkpoint.decided()
    const record = await checkpoint.prepare({ ...change, events: 5 }, never)
    expect(stored().committed).toEqual(committedByRecord(onDisk))
    expect(record.seq).toBe(12)
  })

  test('keeps the number when it saves a state without a transaction', async () => {
    const { checkpoint, stored } = await claimedStream()
    checkpoint.advance(read(2))
    await checkpoint.save(never)
    expect(stored()).toMatchObject({ pending: null, committed: { epoch: 4, seq: 10, nonce: 'c', hasRecord: true } })
    await checkpoint.prepare(change, never)
    checkpoint.decided()
    await checkpoint.save(never)
    expect(stored()).toMatchObject({ pending: null, committed: { seq: 11, nonce: 'n2', state: reachedBy(change) } })
    const record = { epoch: 4, seq: 11, nonce: 'n2', events: change.events }
    const valid = validState(stored(), { found: { kind: 'record', record }, mayBegin: false, now })
    expect(valid).toEqual({ kind: 'committed', hasRecord: true })
  })

  test('takes changes without a transaction at once, and stores them with the next write, whichever that is', async () => {
    const { checkpoint, stored } = await claimedStream()
    expect(checkpoint.isSaved()).toBe(true)
    for (const write of ['prepare', 'save'] as const) {
      checkpoint.advance(read(2))
      checkpoint.advance(read(3))
      expect(checkpoint.state().events).toBe(3)
      expect(checkpoint.isSaved()).toBe(false)
      if (write === 'prepare') {
        await checkpoint.prepare(change, never)
        expect(stored()).toMatchObject({ committed: { state }, pending: { change } })
        checkpoint.decided()
      }
      await checkpoint.save(never)
      expect(checkpoint.isSaved()).toBe(true)
    }
    expect(stored().committed.state.events).toBe(3)
  })

  test('takes no index entries without a transaction: the table holds decided ones only', async () => {
    const { checkpoint } = await claimedStream()
    expect(() => checkpoint.advance(read(2, entriesOf([1, 0])))).toThrow('without a transaction')
    expect(checkpoint.table.size()).toBe(0)
  })

  test('writes a unique text each time, so that a write with a lost response is recognized', async () => {
    const { checkpoint, store } = await claimedStream()
    await checkpoint.save(never)
    await checkpoint.save(never)
    const texts = store.history(KEY)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('reports the size of each document written', async () => {
    const { checkpoint, store, written } = await claimedStream()
    await checkpoint.save(never)
    expect(written).toEqual(store.history(KEY).map((text) => text.length))
  })

  const writes = {
    prepare: (checkpoint: StreamCheckpoint) => checkpoint.prepare(change, never),
    save: (checkpoint: StreamCheckpoint) => checkpoint.save(never),
  }
  const claim = { epoch: 5, owner: 'replica-2', at: now }
  const newer = serializeDocument({ ...documentWith({}), nonce: 'theirs', claim })

  test.each([
    ['claimed by another replica', newer],
    ['deleted', undefined],
  ] as const)('Invariant 4: cannot write the document when it was %s', async (_what, theirs) => {
    for (const write of Object.values(writes)) {
      const { checkpoint, store } = await claimedStream()
      store.tamper(KEY, theirs)
      expect(codeOf(await write(checkpoint).catch((error: unknown) => error))).toBe('publish.fenced')
      expect(store.stored(KEY)?.text).toBe(theirs)
      expect(checkpoint.state()).toEqual(state)
    }
  })

  test('keeps its state and rejects with the error of the store when a write fails', async () => {
    const { checkpoint, next } = await claimedStream()
    next.fault = 'before'
    expect(codeOf(await checkpoint.save(never).catch((error: unknown) => error))).toBe('storage.unavailable')
    expect(checkpoint.state()).toEqual(state)
  })

  test('throws when a transaction is decided that was not prepared', async () => {
    const { checkpoint } = await claimedStream()
    expect(() => checkpoint.decided()).toThrow('decided without prepare')
    await checkpoint.prepare(change, never)
    checkpoint.decided()
    expect(() => checkpoint.decided()).toThrow('decided without prepare')
  })
})

describe('the client index of a claimed stream', () => {
  const numbers = (table: ClientTable, ...clients: readonly number[]) =>
    clients.map((client) => table.get(key(client))?.number)

  test('moves with the transaction that decides it: what is pending is not in it', async () => {
    const { checkpoint } = await claimedStream()
    await checkpoint.prepare(change, never)
    expect(numbers(checkpoint.table, 3, 4)).toEqual([undefined, undefined])
    checkpoint.decided()
    expect(numbers(checkpoint.table, 3, 4)).toEqual([2, 3])
  })

  test('keeps the document below 128 KB, in segments, and is the same when it is loaded again', async () => {
    const { checkpoint, written, store, stored, parts, clock } = await claimedStream()
    for (let transaction = 0; transaction < 20; transaction += 1) {
      const events = 2_000 * transaction
      const clients = Array.from({ length: 2_000 }, (_, at) => [transaction * 1_000 + at, events + at] as const)
      await checkpoint.prepare({ ...change, events: events + 2_000, entries: entriesOf(...clients) }, never)
      checkpoint.decided()
      await new Promise(setImmediate)
      clock.fireNext()
    }
    await checkpoint.save(never)
    await checkpoint.close()
    expect(Math.max(...written)).toBeLessThan(128 * 1024)
    const { index } = stored().committed.state
    expect(index.segments.length).toBeGreaterThan(1)
    for (const { name } of index.segments) expect([...store.segments(KEY).stored.keys()]).toContain(name)
    const loaded = await loadTable(parts.index.store, index, never)
    expect(loaded.size()).toBe(21_000)
    expect(entriesIn(loaded)).toEqual(entriesIn(checkpoint.table))
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

  test('is not written when its segment cannot be stored', async () => {
    const full = entriesOf(...Array.from({ length: 1_400 }, (_, client) => [client, 0] as const))
    const { checkpoint, store } = await claimedStream({ ...state, index: { ...state.index, delta: full } })
    store.segments(KEY).put = () => Promise.reject(new ConnectorError('storage.unavailable', 'scripted'))
    const writes = store.history(KEY).length
    expect(codeOf(await checkpoint.prepare(change, never).catch((error: unknown) => error))).toBe('storage.unavailable')
    expect(store.history(KEY)).toHaveLength(writes)
  })

  test.each(['prepare', 'save'] as const)(
    'is kept for the next opening after a %s, without reading segments',
    async (write) => {
      const { checkpoint, reopened } = await claimedStream()
      await (write === 'save' ? checkpoint.save(never) : checkpoint.prepare(change, never))
      expect(await reopened()).toBe(checkpoint.table)
    },
  )

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
      checkpoint.decided()
      next.fault = fault
      await checkpoint.prepare(read(5, entriesOf([3, 4])), never).catch(() => {})
      expect(numbers(await reopened(), 3, 4)).toEqual(fault === 'after' ? [2, 3] : [undefined, undefined])
    },
  )

  test('is read again when another replica wrote the document', async () => {
    const { checkpoint, reopened, store, stored } = await claimedStream()
    const index = { ...state.index, delta: entriesOf([7, 1]) }
    store.tamper(
      KEY,
      serializeDocument({ ...documentWith({ committed: { state: { ...state, index } } }), nonce: 'theirs' }),
    )
    expect(stored().nonce).toBe('theirs')
    const table = await reopened()
    expect([table === checkpoint.table, ...numbers(table, 7)]).toEqual([false, 1])
  })
})
