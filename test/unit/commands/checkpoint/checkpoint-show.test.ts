import { describe, expect, test } from 'vitest'
import { type CheckpointDocument, FORMAT } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { describedState } from '../../../../connector/checkpoint/described-state.ts'
import { beginning, type StreamState } from '../../../../connector/checkpoint/stream-state.ts'
import { checkpointOutput, checkpointShape } from '../../../../connector/commands/checkpoint/checkpoint-output.ts'
import { checkpointLines, missingLines } from '../../../../connector/commands/checkpoint/checkpoint-show.ts'
import { noRequests } from '../../../../connector/control/control-document.ts'
import { requested } from '../../../../connector/control/requests.ts'
import type { ScanOrder } from '../../../../connector/scan/scan-order.ts'
import type { Scan } from '../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'
import { someScan } from '../../../support/scans.ts'
import { plainScreen } from '../../../support/screens.ts'

const timeZone = 'Europe/Paris'
const at = Date.parse('2026-06-15T10:00:00Z')
const time = (text: string) => text as SourceTime
const upTo = (text: string): ScanOrder => ({ kind: 'rising', values: 9, highest: time(text), reached: null })

const scan = (of: Pick<Scan, 'kind' | 'tag'> & Partial<Scan>): Scan =>
  someScan({ startedAt: at, startedAtOurs: at, pages: 3, clients: 250, ...of })

const segment = (name: string, tier: number | 'base', entries: number) => ({
  name,
  tier,
  entries,
  sha256: 's',
})
const state: StreamState = {
  ...beginning,
  events: 1200,
  scans: {
    ...beginning.scans,
    live: { startedAt: at, scan: null },
    background: [
      scan({ kind: 'backfill', tag: 1, order: upTo('2026-03-01T08:00:00') }),
      scan({ kind: 'look-back', tag: 4, reachMs: 300_000, notBefore: at + 60_000 }),
    ],
    lookBacks: [{ reachMs: 300_000, startedAt: at, dueAt: at + 60_000 }],
    fullDueAt: at + 3_600_000,
  },
  recheck: { from: time('2026-02-01T00:00:00'), after: 2, dueAt: at },
  index: {
    ...{ generation: 2, contentsFrom: 0, rules: ['{"ignored":[]}'] },
    segments: [segment('1-a', 'base', 900), segment('1-b', 'base', 100), segment('1-c', 0, 50)],
    delta: 'A'.repeat(64),
  },
}

describe('describedState', () => {
  test('says how far the stream has read', () => {
    expect(describedState(state, timeZone)).toBe(
      '1200 events, at most 1052 clients in the index, live until 2026-06-15T12:00:00 server time, ' +
        'backfill in progress at 2026-03-01T08:00:00 server time (250 clients read), to be read again from 2026-02-01T00:00:00 server time',
    )
  })

  test('says what is still to begin when the stream is new', () => {
    expect(describedState(beginning, timeZone)).toBe(
      '0 events, at most 0 clients in the index, no live scan completed, backfill due',
    )
  })
})

const decision = { epoch: 4, seq: 10, nonce: 'n', at }
const document: CheckpointDocument = {
  ...{
    format: FORMAT,
    nonce: 'w',
    connector: 'shop',
    stream: 'clients',
    eventSource: '/polaris/shop/clients',
    producerId: null,
    movedTo: null,
  },
  source: { url: 'http://polaris.example/', codeMagasin: 1, prefixCle: null },
  destination: { clusterId: 'c', topic: 't', topicId: 'i', partitions: 6 },
  control: { revision: 0, pause: null },
  claim: { epoch: 4, owner: 'replica-1', at },
  committed: { ...decision, hasRecord: true, state },
  pending: null,
}

describe('checkpointLines', () => {
  test('says until when the stream is caught up, how many events it has published, and who runs it', () => {
    const done = {
      ...document,
      committed: {
        ...document.committed,
        state: { ...state, recheck: null, scans: { ...state.scans, backfill: 'done' as const } },
      },
    }
    expect(checkpointLines(done, plainScreen).slice(0, 2)).toEqual([
      'stream clients: caught up until 2026-06-15T10:00:00Z, 1200 events published',
      'opened by replica-1 at 2026-06-15T10:00:00Z (epoch 4)',
    ])
  })

  test('says what is not read yet', () => {
    expect(checkpointLines(document, plainScreen)[0]).toBe(
      'stream clients: live until 2026-06-15T10:00:00Z, history still to be read, to be read again from 2026-02-01T00:00:00 server time, 1200 events published',
    )
    const fresh = { ...document, committed: { ...document.committed, state: beginning } }
    expect(checkpointLines(fresh, plainScreen)[0]).toBe(
      'stream clients: no live scan completed yet, 0 events published',
    )
  })

  test('says that a stream was renamed', () => {
    expect(checkpointLines({ ...document, movedTo: 'lyon' }, plainScreen)[2]).toContain('renamed to lyon')
  })

  test('prints the scans as a table', () => {
    expect(checkpointLines(document, plainScreen).slice(2)).toEqual([
      '',
      'SCAN          LAST COMPLETED        IN PROGRESS                                               NEXT',
      'live          2026-06-15T10:00:00Z  –                                                         at the poll interval',
      'look-back 5m  2026-06-15T10:00:00Z  3 pages, 250 clients                                      2026-06-15T10:01:00Z',
      'backfill      –                     3 pages, 250 clients, at 2026-03-01T08:00:00 server time  now',
      'recheck       –                     –                                                         after the others',
      'full          –                     –                                                         2026-06-15T11:00:00Z',
    ])
  })

  test('says how many events the pending transaction has', () => {
    expect(checkpointLines({ ...document, pending: pendingWith(1205) }, plainScreen)[2]).toBe(
      'pending: transaction 11 with 5 events; it counts if Kafka has its commit record',
    )
  })

  function pendingWith(events: number) {
    const { index: _, ...reached } = state
    return { ...decision, seq: 11, change: { ...reached, events, entries: '' } }
  }
})

const without = { kind: 'none', record: { kind: 'none' } } as const

test('a stream without a checkpoint is new, or has lost it if Kafka has its commit record, or that is unknown', () => {
  expect(missingLines('clients', { kind: 'none' }, plainScreen)).toEqual(['stream clients has no checkpoint yet'])
  expect(
    missingLines('clients', { kind: 'found', code: 'checkpoint.missing', why: 'the document is missing' }, plainScreen),
  ).toEqual([
    'stream clients: the document is missing',
    expect.stringMatching(/^checkpoint\.missing: restore the document .*`checkpoint rebuild-index`/),
  ])
  expect(missingLines('clients', { kind: 'unknown', code: 'publish.unreachable' }, plainScreen)).toEqual([
    'stream clients has no checkpoint; whether Kafka has its commit record is unknown: publish.unreachable',
  ])
})

test('the JSON of a checkpoint has its state, its owner and the stored document', () => {
  const output = checkpointShape.parse(
    checkpointOutput('clients', { kind: 'document', document }, { document: noRequests }),
  )
  expect(output).toEqual({
    stream: 'clients',
    checkpoint: {
      committed: {
        events: 1200,
        readUntil: '2026-06-15T10:00:00Z',
        backfill: 'due',
        readAgainFrom: '2026-02-01T00:00:00',
      },
      ...{ pendingEvents: null, owner: 'replica-1', openedAt: '2026-06-15T10:00:00Z', epoch: 4, document },
    },
    paused: null,
  })
  expect(checkpointShape.parse(checkpointOutput('clients', without, { document: noRequests }))).toEqual({
    ...{ stream: 'clients', checkpoint: null, commitRecord: 'none', paused: null },
  })
  const record = { kind: 'found', code: 'checkpoint.missing', why: 'it is missing' } as const
  expect(
    checkpointShape.parse(checkpointOutput('clients', { kind: 'none', record }, { document: noRequests })),
  ).toEqual({
    ...{ stream: 'clients', checkpoint: null, commitRecord: 'found', code: 'checkpoint.missing', paused: null },
  })
})

test('the JSON of a checkpoint says that the stream is paused, or why that is unknown', () => {
  const requester = { id: '1', by: 'operator-1', at: 0 }
  const paused = requested(noRequests, { kind: 'pause', stream: 'clients', reason: 'why' }, requester) ?? noRequests
  expect(checkpointShape.parse(checkpointOutput('clients', without, { document: paused })).paused).toEqual({
    ...{ reason: 'why', since: '1970-01-01T00:00:00Z', by: 'operator-1' },
  })
  const unreadable = { document: noRequests, unreadable: 'control.damaged' } as const
  expect(checkpointShape.parse(checkpointOutput('clients', without, unreadable))).toMatchObject({
    ...{ paused: null, controlUnreadable: 'control.damaged' },
  })
})
