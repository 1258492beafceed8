import { describe, expect, test } from 'vitest'
import { type CheckpointDocument, compareRecords, FORMAT } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  claimed,
  committedByRecord,
  decided,
  firstDocument,
  left,
  moved,
  prepared,
  recordOf,
  represented,
  stateAfter,
} from '../../../connector/checkpoint/transitions.ts'
import { validState } from '../../../connector/checkpoint/valid-state.ts'
import { joinedDelta } from '../../../connector/index/index-state.ts'
import { loadTable } from '../../../connector/index/load-table.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { change, documentWith, entriesOf, identity, indexed, now, reloaded, state } from './documents.ts'

const stamp = { nonce: 'new', at: now }
const who = { ...stamp, owner: 'replica-2', producerId: '7' }
const validWith = (document: CheckpointDocument, record: CommitRecord | undefined) =>
  validState(document, {
    found: record === undefined ? { kind: 'none' } : { kind: 'record', record },
    mayBegin: true,
    now,
  })

describe('transitions of the document', () => {
  test('a new stream begins at epoch 1 and number 0, without a commit record', () => {
    const document = firstDocument(state, { ...who, identity })
    expect(document).toMatchObject({ format: FORMAT, nonce: 'new', ...identity, producerId: '7', pending: null })
    expect(document.claim).toEqual({ epoch: 1, owner: 'replica-2', at: now })
    expect(document.committed).toMatchObject({ epoch: 1, seq: 0, nonce: 'new', hasRecord: false })
    expect(validWith(document, undefined)).toMatchObject({ kind: 'committed' })
  })

  test('Invariant 4: a claim writes a higher epoch, with the resolved state and nothing pending', () => {
    const before = documentWith({ pending: {} })
    const grown = { ...identity, destination: { ...identity.destination, partitions: 12 } }
    const document = claimed(before, before.committed, { ...who, identity: grown })
    const { committed } = before
    expect(document).toMatchObject({ ...grown, nonce: 'new', producerId: '7', pending: null, committed })
    expect(document.claim).toEqual({ epoch: before.claim.epoch + 1, owner: 'replica-2', at: now })
  })

  test('a prepared state is decided by the record with its own epoch and the next number', () => {
    const before = { ...documentWith({}), claim: { epoch: 5, owner: 'replica-2', at: now } }
    const document = prepared(before, change, stamp)
    expect(document.committed).toEqual(before.committed)
    expect(recordOf(document)).toEqual({ epoch: 5, seq: 11, nonce: 'new', events: change.events })
    expect(validWith(document, recordOf(document))).toMatchObject({ kind: 'pending' })
    expect(compareRecords(recordOf(document), before.committed)).toBe('newer')
  })

  test('recordOf and decided throw when nothing is prepared', () => {
    expect(() => recordOf(documentWith({}))).toThrow('nothing is prepared')
    expect(() => decided(documentWith({}))).toThrow('nothing is prepared')
  })

  test('a save adds what was read to the state and keeps its number, decision and time', () => {
    const before = documentWith({ pending: {} })
    const { events, mapping, scans, entries } = { ...change, events: 99 }
    const index = { ...state.index, delta: entries }
    expect(moved(before, { events, mapping, scans, entries }, 'new')).toEqual({
      ...before,
      nonce: 'new',
      pending: null,
      committed: { ...before.committed, state: { events, mapping, scans, index } },
    })
    expect(moved(before, undefined, 'new').committed).toEqual(before.committed)
  })

  test('another representation of the client index changes nothing else, and never what is pending', () => {
    const before = documentWith({ pending: {} })
    const index = { ...state.index, generation: 9 }
    expect(represented(before, index)).toEqual({
      ...before,
      committed: { ...before.committed, state: { ...state, index } },
    })
  })

  test('a document that is left has no owner, and the same epoch', () => {
    const before = documentWith({})
    expect(left(before)).toEqual({ ...before, claim: { ...before.claim, owner: null } })
  })
})

describe('the state after a change', () => {
  test('Invariant 2: is the same for a replica that continues and for one that reloads the document', () => {
    const document = documentWith({ committed: { state: indexed } })
    const ready = prepared(document, change, stamp)
    const { state: live } = decided(ready).committed
    const { entries, ...reached } = change
    const { index } = indexed
    expect(live).toEqual({ ...reached, index: { ...index, delta: joinedDelta(index.delta, entries) } })
    const { state: taken, ...decision } = committedByRecord(reloaded(ready))
    expect(taken).toEqual(live)
    const { events: _, ...record } = recordOf(ready)
    expect(decision).toEqual({ ...record, at: now, hasRecord: true })
  })

  test('has the last entry of a client that several changes have', async () => {
    const again = { ...change, entries: entriesOf([3, 9]) }
    const { index } = stateAfter(stateAfter(state, change), again)
    const table = await loadTable(memorySegmentStore(), index, never)
    expect([3, 4].map((client) => table.get(key(client))?.number)).toEqual([9, 3])
  })
})
