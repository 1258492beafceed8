import { describe, expect, test } from 'vitest'
import { parseDocument, serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { resolve } from '../../../connector/checkpoint/resolve.ts'
import {
  type StreamCheckpoint,
  streamCheckpoint,
  writeDocument,
} from '../../../connector/checkpoint/stream-checkpoint.ts'
import { committedByNote } from '../../../connector/checkpoint/transitions.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { type MemoryFault, memoryStore } from '../../support/memory-versioned-object.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { change, documentWith, now, state } from './documents.ts'

const KEY = 'shop/clients.json'
const { signal } = new AbortController()
const withEvents = (events: number) => ({ ...state, events })

/** A stream that is claimed at epoch 4, committed 10. */
async function claimedStream() {
  const next = { fate: 'none' as MemoryFault }
  const store = memoryStore({ fate: () => next.fate })
  const object = store.object(KEY)
  const document = documentWith({})
  const written: number[] = []
  let nonces = 0
  const parts = {
    object,
    clock: virtualClock(now),
    newNonce: () => `n${++nonces}`,
    onWritten: (bytes: number) => written.push(bytes),
  }
  const version = await writeDocument(parts, { document, expected: null }, signal)
  return {
    checkpoint: streamCheckpoint({ document, version }, parts),
    stored: () => parseDocument(store.stored(KEY)?.text ?? ''),
    store,
    written,
    next,
    parts,
  }
}

describe('the checkpoint of a claimed stream', () => {
  test('prepares what the next transaction adds, beside the state that still holds', async () => {
    const { checkpoint, stored } = await claimedStream()
    const note = await checkpoint.prepare(change, signal)
    expect(note).toEqual({ epoch: 4, seq: 11, nonce: 'n1' })
    expect(stored().committed.state).toEqual(state)
    expect(stored().pending).toEqual({ ...note, at: now, change })
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([10, state])
  })

  test('counts on once the transaction is decided, without another write', async () => {
    const { checkpoint, store } = await claimedStream()
    await checkpoint.prepare(change, signal)
    const writes = store.history(KEY).length
    checkpoint.decided(withEvents(3))
    expect(store.history(KEY)).toHaveLength(writes)
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([11, withEvents(3)])
  })

  test('records what was decided with the next prepare, exactly as the reloaded document has it', async () => {
    const { checkpoint, stored } = await claimedStream()
    await checkpoint.prepare(change, signal)
    const onDisk = stored()
    checkpoint.decided(withEvents(4))
    const note = await checkpoint.prepare({ ...change, events: 5 }, signal)
    expect(stored().committed).toEqual(committedByNote(onDisk, 100))
    expect(note.seq).toBe(12)
  })

  test('saves a state without a transaction: the number stays', async () => {
    const { checkpoint, stored } = await claimedStream()
    await checkpoint.save(withEvents(0), signal)
    expect(stored()).toMatchObject({ pending: null, committed: { epoch: 4, seq: 10, nonce: 'c', by: 'note' } })
    await checkpoint.prepare(change, signal)
    checkpoint.decided(withEvents(3))
    await checkpoint.save(withEvents(4), signal)
    expect(stored()).toMatchObject({ pending: null, committed: { seq: 11, nonce: 'n2', state: withEvents(4) } })
    expect(
      resolve(stored(), { note: { epoch: 4, seq: 11, nonce: 'n2' }, isHanging: false, now, retentionMs: 1e9 }).kind,
    ).toBe('committed')
  })

  test('at least once: counts with every save of delivered events', async () => {
    const { checkpoint, stored } = await claimedStream()
    await checkpoint.saveDelivered(withEvents(3), signal)
    expect(stored().committed).toMatchObject({ seq: 11, by: 'at-least-once', state: withEvents(3) })
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([11, withEvents(3)])
  })

  test('every text is unique, so that a lost answer is recognised', async () => {
    const { checkpoint, store } = await claimedStream()
    await checkpoint.save(state, signal)
    await checkpoint.save(state, signal)
    const texts = store.history(KEY)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('hears the size of each document written', async () => {
    const { checkpoint, store, written } = await claimedStream()
    await checkpoint.save(state, signal)
    expect(written).toEqual(store.history(KEY).map((text) => text.length))
  })

  const writes = {
    prepare: (checkpoint: StreamCheckpoint) => checkpoint.prepare(change, signal),
    save: (checkpoint: StreamCheckpoint) => checkpoint.save(state, signal),
    saveDelivered: (checkpoint: StreamCheckpoint) => checkpoint.saveDelivered(state, signal),
  }
  const claim = { epoch: 5, owner: 'replica-2', at: now }
  const newer = serializeDocument({ ...documentWith({}), nonce: 'theirs', claim })

  test.each([
    ['claimed by another replica', newer, 'publish.fenced'],
    [
      'written by somebody of the same epoch',
      serializeDocument({ ...documentWith({}), nonce: 'theirs' }),
      'checkpoint.conflict',
    ],
    ['damaged', '{"format":1', 'checkpoint.conflict'],
    ['deleted', undefined, 'checkpoint.conflict'],
  ] as const)('Invariant 4: cannot move it once it is %s', async (_what, theirs, code) => {
    for (const write of Object.values(writes)) {
      const { checkpoint, store } = await claimedStream()
      store.tamper(KEY, theirs)
      expect(codeOf(await write(checkpoint).catch((error: unknown) => error))).toBe(code)
      expect(store.stored(KEY)?.text).toBe(theirs)
      expect(checkpoint.state()).toEqual(state)
    }
  })

  test('keeps its state when a write fails, and says what the store said', async () => {
    const { checkpoint, next } = await claimedStream()
    next.fate = 'before'
    expect(codeOf(await checkpoint.save(withEvents(9), signal).catch((error: unknown) => error))).toBe(
      'storage.unavailable',
    )
    expect(checkpoint.state()).toEqual(state)
  })

  test('nothing can be decided that was not prepared', async () => {
    const { checkpoint } = await claimedStream()
    expect(() => checkpoint.decided(withEvents(3))).toThrow('decided without prepare')
    await checkpoint.prepare(change, signal)
    checkpoint.decided(withEvents(3))
    expect(() => checkpoint.decided(withEvents(3))).toThrow('decided without prepare')
  })
})
