import { describe, expect, test } from 'vitest'
import type { CheckpointDocument, StreamState } from '../../../connector/checkpoint/checkpoint-document.ts'
import { cures, restarted, rewound, withoutPending } from '../../../connector/checkpoint/rewind.ts'
import type { Rewind } from '../../../connector/checkpoint/wishes.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { MAX_EVENT_NUMBER, UNKNOWN_CONTENT } from '../../../connector/index/index-entry.ts'
import { deltaWords } from '../../../connector/index/index-state.ts'
import { loadTable } from '../../../connector/index/stream-index.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import { type ErrorCode, errorCatalogue } from '../../../connector/runtime/error-catalogue.ts'
import { restarted as restartedScan } from '../../../connector/scan/begin-scan.ts'
import { HISTORY, LIVE, type ScanStates } from '../../../connector/scan/scan-state.ts'
import { memorySegmentStore } from '../../support/fakes/memory-segment-store.ts'
import { historyOf, someScan } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { key } from '../index/entries.ts'
import { beginAt, timeText } from '../scan/scans.ts'
import { change, documentWith, entriesOf, indexed, now } from './documents.ts'

const early = timeText('2025-01-01T00:00:00')
const middle = timeText('2026-02-01T00:00:00')
const late = timeText('2026-03-01T00:00:00')
const to = (time: Rewind['to'], more: Partial<Rewind> = {}): Rewind => ({
  ...{ id: 'rewind', to: time, republish: false, yes: null },
  ...more,
})
const table = clientTable()
table.setAll(deltaWords(indexed.index.delta))
const applied = { epoch: 7, beginAt, table }

const stateWith = (scans: Partial<ScanStates>): StreamState => ({ ...indexed, scans: { ...indexed.scans, ...scans } })
const history = someScan({ ...HISTORY, from: beginAt, lastChanged: middle })

describe('a rewind', () => {
  test('of a history that has ended reads it again from that time, or from the configured beginning', () => {
    const state = stateWith({ history: historyOf('done') })
    for (const [time, from] of [
      [late, late],
      [early, early],
      [null, beginAt],
    ] as const)
      expect(rewound(state, to(time), applied).scans.history).toEqual(historyOf('again', { from }))
  })

  test('never skips: a history that has not ended begins at the earlier of both times', () => {
    const reading = stateWith({ history: historyOf('first'), background: [history] })
    const again = stateWith({ history: historyOf('again', { from: middle }) })
    for (const [state, time, from] of [
      [reading, late, middle],
      [reading, early, early],
      [again, late, middle],
      [again, early, early],
      [stateWith({ history: historyOf('first') }), late, beginAt],
    ] as const)
      expect(rewound(state, to(time), applied).scans.history).toEqual({ ...state.scans.history, from })
  })

  test('drops the history in progress, and nothing else', () => {
    const lookBack = someScan({ lane: 'look-back', reachMs: 1 })
    const state = stateWith({ background: [history, lookBack] })
    const { scans, ...rest } = rewound(state, to(early), applied)
    expect(scans).toEqual({ ...state.scans, background: [lookBack], history: scans.history })
    expect({ ...rest, scans: state.scans }).toEqual(state)
  })

  test('that republishes begins an empty index of the epoch that the opening claims, that knows no client', () => {
    const { index, scans, nextEvent } = rewound(indexed, to(null, { republish: true }), applied)
    expect(index).toMatchObject({ generation: 7, segments: [], delta: '' })
    expect(scans.history.republished).toBe('rewind')
    expect(nextEvent).toBe(indexed.nextEvent)
  })

  test('Invariant 3: that republishes begins the scans in progress again, which the new index cannot compare', () => {
    const unread = { reachMs: 1, lane: 'look-back' } as const
    const lookBack = someScan(unread)
    const live = { startedAt: lookBack.startedAt, scan: someScan(LIVE) }
    const { scans } = rewound(stateWith({ live, background: [lookBack] }), to(null, { republish: true }), applied)
    expect(scans.live).toEqual({ ...live, scan: null })
    expect(scans.background).toEqual([restartedScan(lookBack)])
    expect(scans.background).toMatchObject([{ ...unread, checkPoint: null, startedAt: null }])
  })

  test('for some clients makes their contents unknown, and keeps the index and the scans in progress', async () => {
    const lookBack = someScan({ lane: 'look-back', reachMs: 1 })
    const state = stateWith({ background: [lookBack] })
    const clients = [2, 9].map((client) => Buffer.from(key(client), 'latin1').toString('base64url'))
    const { index, scans, nextEvent } = rewound(state, to(null, { republish: true, clients }), applied)
    expect([scans.background, scans.history.republished, nextEvent]).toEqual([[lookBack], 'rewind', state.nextEvent])
    expect({ ...index, delta: '' }).toEqual({ ...state.index, delta: '' })
    const loaded = await loadTable(memorySegmentStore(), index, never)
    expect(loaded.size()).toBe(2)
    expect(loaded.get(key(1))).toEqual(table.get(key(1)))
    expect(loaded.get(key(2))).toEqual({ ...table.get(key(2)), content: UNKNOWN_CONTENT })
  })

  test('that does not republish keeps the name of one that does, until the history has ended', () => {
    const state = stateWith({ history: historyOf('again', { from: middle, republished: 'before' }) })
    expect(rewound(state, to(late), applied).scans.history.republished).toBe('before')
  })
})

describe('the cure of a hold', () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[]
  const curedBy = (rewind: Rewind) => codes.filter((code) => cures(rewind, code, 'w')).toSorted()

  test('needs --yes for the document that is stored, and no other one', () => {
    expect(curedBy(to(null, { republish: true }))).toEqual([])
    expect(curedBy(to(null, { republish: true, yes: 'another' }))).toEqual([])
  })

  test('is none for some clients', () => {
    expect(curedBy(to(null, { yes: 'w', republish: true, clients: [] }))).toEqual([])
  })

  test('needs --republish for everything but an undecided transaction', () => {
    expect(curedBy(to(null, { yes: 'w' }))).toEqual(['checkpoint.undecided'])
    expect(curedBy(to(null, { yes: 'w', republish: true }))).toEqual([
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
    const { nextEvent, index } = restarted({ document, record: found, now: at }, to(null), beginAt)
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
      const state = restarted(lost, to(time, { republish: true }), beginAt)
      expect(state.scans.history).toEqual(historyOf('first', { from, republished: 'rewind' }))
      expect(state).toMatchObject({ nextEvent: 40, mapping: null, index: { generation: 10, segments: [], delta: '' } })
    }
  })
})

describe('a stream whose pending transaction stays undecided', () => {
  test('goes on from the committed state, with event numbers after those of pending', () => {
    const document = documentWith({ committed: { state: indexed }, pending: {} })
    const { index: _, ...state } = withoutPending(document)
    const { index: __, ...committed } = indexed
    expect(state).toEqual({ ...committed, nextEvent: change.nextEvent })
  })

  test('Invariant 3: numbers its scans after those of pending, whose clients keep their numbers', () => {
    const scans = { ...change.scans, begun: 9 }
    const document = documentWith({ committed: { state: indexed }, pending: { change: { ...change, scans } } })
    expect(withoutPending(document).scans).toEqual({ ...indexed.scans, begun: 9 })
  })

  test('does not know the contents of the clients in pending, so that they are published when they are read', async () => {
    const document = documentWith({
      committed: { state: indexed },
      pending: { change: { ...change, entries: entriesOf([2, 2], [3, 3]) } },
    })
    const table = await loadTable(memorySegmentStore(), withoutPending(document).index, never)
    const known = [1, 2, 3].map((client) => table.get(key(client)))
    expect(known.map((entry) => entry?.number)).toEqual([0, 2, 3])
    expect(known.map((entry) => entry?.content === UNKNOWN_CONTENT)).toEqual([false, true, true])
  })
})
