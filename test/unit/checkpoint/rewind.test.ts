import { describe, expect, test } from 'vitest'
import type { CheckpointDocument, CommittedState } from '../../../connector/checkpoint/checkpoint-document.ts'
import {
  curesHold,
  stateOfNewBeginning,
  stateReadingHistoryAgain,
  stateWithUndecidedPending,
} from '../../../connector/checkpoint/rewind.ts'
import type { Rewind } from '../../../connector/checkpoint/wishes.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { MAX_EVENT_NUMBER, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { encodedEntriesOf } from '../../../connector/index/index-state.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import { type ErrorCode, errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import {
  HISTORY,
  type HistoryState,
  LIVE,
  type Scan,
  type ScanStates,
  scanNamed,
} from '../../../connector/scan/scan-state.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { historyOf, someScan } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { beginAt, orderedUpTo, settings, timeText } from '../scan/scans.ts'
import { change, documentWith, entriesOf, indexed, now } from './documents.ts'

// Rewinds are applied to states and documents in memory; nothing is stored.

const early = timeText('2025-01-01T00:00:00')
const middle = timeText('2026-02-01T00:00:00')
const late = timeText('2026-03-01T00:00:00')
const inBetween = timeText('2026-01-15T00:00:00')
const to = (time: Rewind['to'], more: Partial<Rewind> = {}): Rewind => ({
  id: 'rewind',
  to: time,
  republish: false,
  confirmedDocument: null,
  ...more,
})
const table = clientTable()
table.setAll(encodedEntriesOf(indexed.index.delta))
const applied = { beginAt, settings, now, table }

const stateWith = (scans: Partial<ScanStates>): CommittedState => ({
  ...indexed,
  scans: { ...indexed.scans, ...scans },
})
const scan = someScan({ ...HISTORY, from: beginAt })

describe('a rewind', () => {
  test('of a history that has ended reads it again from that time, or from the configured beginning', () => {
    const state = stateWith({ history: historyOf('done') })
    for (const [time, from] of [
      [late, late],
      [early, early],
      [null, beginAt],
    ] as const)
      expect(stateReadingHistoryAgain(state, to(time), applied).scans.history).toEqual(historyOf('again', { from }))
  })

  const reading = (more: Partial<Pick<Scan, 'times'>>) =>
    stateWith({ history: historyOf('first'), background: [{ ...scan, ...more }] })
  const scanAfter = (state: CommittedState, rewind: Rewind) =>
    scanNamed(stateReadingHistoryAgain(state, rewind, applied).scans, HISTORY)

  test('of a history that has not ended continues at the earlier of its time and the time from which that resumes', () => {
    const state = reading({ times: orderedUpTo(middle) })
    const { startedAt } = scan
    for (const [time, lastChanged, from] of [
      [late, '2026-01-31T23:59:45', beginAt],
      [inBetween, inBetween, beginAt],
      [early, early, early],
      [null, beginAt, beginAt],
    ] as const) {
      const again = { from, lastChanged, checkPoint: null, startedAt, pages: 0, times: orderedUpTo(lastChanged) }
      expect(scanAfter(state, to(time))).toMatchObject(again)
      expect(stateReadingHistoryAgain(state, to(time), applied).scans.history).toEqual(historyOf('first', { from }))
    }
  })

  test('of one whose order is not known begins it again', () => {
    for (const times of [null, { distinct: 99, last: middle }])
      expect(scanAfter(reading({ times }), to(late))).toMatchObject({
        from: beginAt,
        lastChanged: beginAt,
        startedAt: null,
      })
  })

  test('never skips what a history has not begun to read', () => {
    const again = stateWith({ history: historyOf('again', { from: middle }) })
    for (const [state, time, from] of [
      [again, late, middle],
      [again, early, early],
      [stateWith({ history: historyOf('first') }), late, beginAt],
    ] as const)
      expect(stateReadingHistoryAgain(state, to(time), applied).scans.history).toEqual({ ...state.scans.history, from })
  })

  test('changes the history alone', () => {
    const lookBack = someScan({ lane: 'look-back', reachMs: 1 })
    const live = { startedAt: 7, scan: someScan(LIVE) }
    const state = stateWith({ live, background: [scan, lookBack] })
    for (const republish of [false, true]) {
      const { scans, ...rest } = stateReadingHistoryAgain(state, to(early, { republish }), applied)
      const background = [lookBack, scanNamed(scans, HISTORY)]
      expect(scans).toEqual({ ...state.scans, background, history: scans.history })
      expect({ ...rest, scans: state.scans }).toEqual(state)
    }
  })

  const unfinished = { id: 'before', beforeEvent: 1, isIndexNew: true }
  const republishedBy = (rewind: Rewind, republication: HistoryState['republication']) =>
    stateReadingHistoryAgain(
      stateWith({ history: historyOf('again', { from: middle, republication }) }),
      rewind,
      applied,
    ).scans.history.republication

  test('that republishes asks for every client that was published before it, and keeps the index', () => {
    const rewind = to(null, { republish: true })
    const { nextEvent } = indexed
    expect(republishedBy(rewind, null)).toEqual({ id: 'rewind', beforeEvent: nextEvent, isIndexNew: false })
    expect(republishedBy(rewind, unfinished)).toEqual({ id: 'rewind', beforeEvent: nextEvent, isIndexNew: true })
    expect(stateReadingHistoryAgain(indexed, rewind, applied).index).toEqual(indexed.index)
  })

  test('that does not republish keeps what one has asked for that has not ended', () => {
    expect(republishedBy(to(late), unfinished)).toEqual(unfinished)
    expect(republishedBy(to(late), null)).toBe(null)
  })

  const some = {
    republish: true,
    clients: [2, 9].map((client) => Buffer.from(key(client), 'latin1').toString('base64url')),
  }

  test('for some clients lets one for all go on that has not ended', () => {
    expect(republishedBy(to(null, some), null)).toEqual({ id: 'rewind', beforeEvent: 0, isIndexNew: false })
    expect(republishedBy(to(null, some), unfinished)).toEqual({ ...unfinished, id: 'rewind' })
  })
})

describe('the cure of a hold', () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[]
  const curedBy = (rewind: Rewind) => codes.filter((code) => curesHold(rewind, code, 'w')).toSorted()

  test('needs --yes for the document that is stored, and no other one', () => {
    expect(curedBy(to(null, { republish: true }))).toEqual([])
    expect(curedBy(to(null, { republish: true, confirmedDocument: 'another' }))).toEqual([])
  })

  test('is none for some clients', () => {
    expect(curedBy(to(null, { confirmedDocument: 'w', republish: true, clients: [] }))).toEqual([])
  })

  test('needs --republish for everything but an undecided transaction', () => {
    expect(curedBy(to(null, { confirmedDocument: 'w' }))).toEqual(['checkpoint.undecided'])
    expect(curedBy(to(null, { confirmedDocument: 'w', republish: true }))).toEqual([
      'checkpoint.damaged',
      'checkpoint.events-lost',
      'checkpoint.index-damaged',
      'checkpoint.rolled-back',
      'checkpoint.topic-in-use',
      'checkpoint.topic-lost',
      'checkpoint.undecided',
    ])
  })
})

describe('a stream that begins again', () => {
  const record = { epoch: 9, seq: 1, nonce: 'r', nextEvent: 40 }

  const above = (document: CheckpointDocument | undefined, found: CommitRecord | undefined, at = now) => {
    const { nextEvent, index } = stateOfNewBeginning({ document, record: found, now: at }, to(null), beginAt)
    return { epoch: index.generation, nextEvent }
  }

  test('has an epoch and event numbers above those of document and commit record', () => {
    const document = documentWith({ pending: {} })
    expect(above(document, undefined)).toEqual({ epoch: 5, nextEvent: change.nextEvent })
    expect(above(document, record)).toEqual({ epoch: 10, nextEvent: 40 })
    expect(above(document, { ...record, epoch: 1, nextEvent: 1 })).toEqual({ epoch: 5, nextEvent: change.nextEvent })
  })

  test('without a readable document takes the seconds since 1970, and half a million times that for its events', () => {
    const epoch = Math.floor(now / 1000)
    expect(above(undefined, record)).toEqual({ epoch, nextEvent: epoch * 500_000 })
    const ahead = { ...record, epoch: epoch + 5 }
    expect(above(undefined, ahead)).toEqual({ epoch: epoch + 1_005, nextEvent: (epoch + 1_005) * 500_000 })
    const later = { ...record, nextEvent: epoch * 600_000 }
    expect(above(undefined, later)).toEqual({ epoch, nextEvent: epoch * 600_000 })
  })

  test('has numbers that fit into the client index until 2106', () => {
    const { nextEvent } = above(undefined, undefined, Date.parse('2106-01-01T00:00:00Z'))
    expect(nextEvent).toBeLessThan(MAX_EVENT_NUMBER)
  })

  test('reads its first history from the earlier of the requested time and the configured beginning', () => {
    const lost = { document: documentWith({}), record, now }
    for (const [time, from] of [
      [late, beginAt],
      [early, early],
      [null, beginAt],
    ] as const) {
      const state = stateOfNewBeginning(lost, to(time, { republish: true }), beginAt)
      const republication = { id: 'rewind', beforeEvent: 0, isIndexNew: true }
      expect(state.scans.history).toEqual(historyOf('first', { from, republication }))
      expect(state).toMatchObject({ nextEvent: 40, mapping: null, index: { generation: 10, segments: [], delta: '' } })
    }
  })
})

describe('a stream whose pending transaction stays undecided', () => {
  test('goes on from the committed state, with event numbers after those of pending', () => {
    const document = documentWith({ committed: { state: indexed }, pending: {} })
    const { index: _, ...state } = stateWithUndecidedPending(document)
    const { index: __, ...committed } = indexed
    expect(state).toEqual({ ...committed, nextEvent: change.nextEvent })
  })

  test('Invariant 3: numbers its scans after those of pending, whose clients keep their numbers', () => {
    const scans = { ...change.scans, lastScanNumber: 9 }
    const document = documentWith({ committed: { state: indexed }, pending: { change: { ...change, scans } } })
    expect(stateWithUndecidedPending(document).scans).toEqual({ ...indexed.scans, lastScanNumber: 9 })
  })

  test('does not know the contents of the clients in pending, so that they are published when they are read', async () => {
    const document = documentWith({
      committed: { state: indexed },
      pending: { change: { ...change, entries: entriesOf([2, 2], [3, 3]) } },
    })
    const table = await loadTable(memorySegmentStore(), stateWithUndecidedPending(document).index, never)
    const known = [1, 2, 3].map((client) => table.get(key(client)))
    expect(known.map((entry) => entry?.eventNumber)).toEqual([0, 2, 3])
    expect(known.map((entry) => entry?.content === UNKNOWN_CONTENT)).toEqual([false, true, true])
  })
})
