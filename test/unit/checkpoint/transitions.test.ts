import { describe, expect, test } from 'vitest'
import {
  type CheckpointDocument,
  committedPartByRecord,
  FORMAT,
  newStreamState,
  stateAfter,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { documentOfClaim, documentOfPrepare } from '../../../connector/checkpoint/transitions.ts'
import type { ValidState } from '../../../connector/checkpoint/valid-state.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { joinedDelta } from '../../../connector/index/index-state.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { beginAt, settings } from '../scan/scans.ts'
import { change, documentWith, entriesOf, identity, indexed, now, reloaded, state } from './documents.ts'

// Documents follow each other without a store.

const stamp = { nonce: 'new', at: now }
const who = { ...stamp, owner: 'replica-2', producerId: '7', identity }
const foundRecord = { kind: 'none' } as const
const known = { table: clientTable(), isLost: false, rewind: undefined, foundRecord, beginAt, settings }
const committed: ValidState = { kind: 'committed', recordFound: true }

const claimOf = (document: CheckpointDocument | undefined, verdict: ValidState = committed, of = identity) =>
  documentOfClaim({ ...known, document, verdict }, { ...who, identity: of })

describe('a claim', () => {
  test('of a new stream begins at epoch 1 and number 0, without a commit record', () => {
    expect(claimOf(undefined, { kind: 'new' })).toEqual({
      format: FORMAT,
      nonce: 'new',
      ...identity,
      producerId: '7',
      appliedRewind: null,
      claim: { epoch: 1, owner: 'replica-2', at: now },
      committed: { epoch: 1, seq: 0, nonce: 'new', at: now, expectsRecord: false, state: newStreamState },
      pending: null,
    })
  })

  test('Invariant 4: writes a higher epoch and its producer id, with the resolved state and nothing pending', () => {
    const before = documentWith({ pending: {} })
    const claim = { epoch: before.claim.epoch + 1, owner: 'replica-2', at: now }
    const after = { ...before, nonce: 'new', producerId: '7', claim, pending: null }
    expect(claimOf(before)).toEqual(after)
    expect(claimOf(before, { kind: 'pending' })).toEqual({ ...after, committed: committedPartByRecord(before) })
  })

  test('that has not foundRecord the commit record of its state misses none later', () => {
    const { expectsRecord } = claimOf(documentWith({}), { kind: 'committed', recordFound: false }).committed
    expect(expectsRecord).toBe(false)
  })
})

describe('a prepared state', () => {
  test('Invariant 2: is the same for a replica that continues and for one that reloads the document', () => {
    const ready = documentOfPrepare(documentWith({ committed: { state: indexed } }), change, stamp)
    const { entries, ...reached } = change
    const { state: taken, ...decision } = committedPartByRecord(reloaded(ready))
    expect(taken).toEqual({ ...reached, index: { ...indexed.index, delta: joinedDelta(indexed.index.delta, entries) } })
    const { change: _, ...record } = ready.pending
    expect(decision).toEqual({ ...record, expectsRecord: true })
  })
})

describe('the state after a change', () => {
  test('has the last entry of a client that several changes have', async () => {
    const again = { ...change, entries: entriesOf([3, 9]) }
    const { index } = stateAfter(stateAfter(state, change), again)
    const table = await loadTable(memorySegmentStore(), index, never)
    expect([3, 4].map((client) => table.get(key(client))?.eventNumber)).toEqual([9, 3])
  })
})
