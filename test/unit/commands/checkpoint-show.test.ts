import { describe, expect, test } from 'vitest'
import {
  type CheckpointDocument,
  type CommittedState,
  newStreamState,
} from '../../../connector/checkpoint/checkpoint-document.ts'
import { noWishes } from '../../../connector/checkpoint/wishes.ts'
import { shownStream } from '../../../connector/commands/checkpoint-show.ts'
import { HISTORY, type Scan, type ScanName } from '../../../connector/scan/scan-state.ts'
import { mustFit } from '../../support/documentation/output-schema.ts'
import { someScan } from '../../support/scans.ts'
import { documentWith, now } from '../checkpoint/documents.ts'
import { timeText } from '../scan/scans.ts'

const at = now
const scan = (of: Pick<ScanName, 'lane'> & Partial<Scan>): Scan =>
  someScan({ startedAt: at, pages: 3, clients: 250, ...of })

const state: CommittedState = {
  ...newStreamState,
  nextEvent: 1200,
  scans: {
    ...newStreamState.scans,
    live: { startedAt: at, scan: null },
    background: [
      scan({ ...HISTORY, times: { distinct: 9, last: timeText('2026-03-01T08:00:00') } }),
      scan({ lane: 'look-back', reachMs: 300_000 }),
    ],
  },
}
const document: CheckpointDocument = {
  ...documentWith({ committed: { state } }),
  claim: { epoch: 4, owner: 'replica-1', at },
}

function shown(of: CheckpointDocument = document, wishes = noWishes) {
  const value = shownStream('clients', { document: of, wishes })
  mustFit('checkpoint-show', JSON.stringify(value))
  return value
}

describe('a checkpoint is shown', () => {
  test('with how far the stream has read, how many events it has published, and who runs it', () => {
    expect(shown()).toMatchObject({
      stream: 'clients',
      liveUntil: '2026-06-15T10:00:00Z',
      history: 'first',
      nextEvent: 1200,
      pending: undefined,
      openedBy: 'replica-1',
      openedAt: '2026-06-15T10:00:00Z',
      epoch: 4,
    })
    const fresh = { ...document, committed: { ...document.committed, state: newStreamState } }
    expect(shown(fresh)).toMatchObject({ liveUntil: null, history: 'first', nextEvent: 0 })
  })

  test('with its scans in progress', () => {
    expect(shown().scansInProgress).toMatchObject([
      { scan: 'history', pages: 3, clients: 250, reached: '2026-03-01T08:00:00' },
      { scan: 'look-back', reached: null },
    ])
  })

  test('with the events of the pending transaction', () => {
    const { index: _, ...reached } = state
    const pending = { epoch: 4, seq: 11, nonce: 'n', at, change: { ...reached, nextEvent: 1205, entries: '' } }
    expect(shown({ ...document, pending }).pending).toBe(5)
  })

  test('without an owner once it has stopped or paused the stream, and with what operators wish', () => {
    const left = { ...document, claim: { ...document.claim, owner: null } }
    const rewind = { id: 'r', to: null, republish: false, confirmedDocument: null }
    const wishes = { ...noWishes, paused: true, reason: 'a move', by: 'operator-1', at, rewind }
    expect(shown(left, wishes)).toMatchObject({
      openedBy: null,
      remark: 'paused since 2026-06-15T10:00:00Z by operator-1: a move; a rewind to the beginning is not applied yet',
    })
  })

  test('as absent or damaged', () => {
    const without = (found: 'none' | 'checkpoint.damaged') =>
      shownStream('clients', { document: found, wishes: noWishes })
    expect(without('none')).toEqual({ stream: 'clients', code: undefined, remark: 'no checkpoint' })
    expect(without('checkpoint.damaged')).toMatchObject({ code: 'checkpoint.damaged' })
  })
})
