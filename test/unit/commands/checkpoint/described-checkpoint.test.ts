import { describe, expect, test } from 'vitest'
import { type CheckpointDocument, FORMAT } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { describedState } from '../../../../connector/checkpoint/described-state.ts'
import { beginning, type StreamState } from '../../../../connector/checkpoint/stream-state.ts'
import { checkpointLines } from '../../../../connector/commands/checkpoint/described-checkpoint.ts'
import { noTokens, type Scan } from '../../../../connector/scan/scan-state.ts'
import type { CheckPoint, SourceTime } from '../../../../connector/source/client-source.ts'

const timeZone = 'Europe/Paris'
const at = Date.parse('2026-06-15T10:00:00Z')
const time = (text: string) => text as SourceTime

function scan(of: Pick<Scan, 'kind' | 'tag'> & Partial<Scan>): Scan {
  return {
    ...{ reachMs: null, from: time('2026-01-01T00:00:00'), lastChanged: time('2026-01-01T00:00:00') },
    ...{
      checkPoint: 'secret token' as CheckPoint,
      limit: 100,
      output: 'xml',
      since: 0,
      startedAt: at,
      startedAtOurs: at,
    },
    ...{ notBefore: 0, lastModifiedAt: null, tokens: noTokens, emptyPages: 0, refusals: 0, failures: 0, restarts: 0 },
    ...{ pages: 3, clients: 250, ...of },
  }
}

const segment = (name: string, tier: 'base' | 'run' | 'spill', entries: number) => ({
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
      scan({ kind: 'backfill', tag: 1, lastModifiedAt: time('2026-03-01T08:00:00') }),
      scan({ kind: 'look-back', tag: 4, reachMs: 300_000, notBefore: at + 60_000 }),
    ],
    lookBacks: [{ reachMs: 300_000, startedAt: at, dueAt: at + 60_000 }],
    fullDueAt: at + 3_600_000,
  },
  recheck: { from: time('2026-02-01T00:00:00'), markedAt: at },
  index: {
    ...{ generation: 2, contentsFrom: 0, rules: ['{"ignored":[]}'] },
    segments: [segment('1-a', 'base', 900), segment('1-b', 'base', 100), segment('1-c', 'spill', 50)],
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

describe('checkpointLines', () => {
  const decision = { epoch: 4, seq: 10, nonce: 'n', at }
  const document: CheckpointDocument = {
    ...{ format: FORMAT, nonce: 'w', connector: 'shop', stream: 'clients', producerId: null },
    source: { url: 'http://polaris.example/', codeMagasin: 1, prefixCle: null },
    destination: { clusterId: 'c', topic: 't', topicId: 'i', partitions: 6 },
    claim: { epoch: 4, owner: 'replica-1', at },
    committed: { ...decision, by: 'commit-record', state },
    pending: null,
  }

  test('prints scans, look-backs, index, claim and pending as tables', () => {
    expect(checkpointLines(document, timeZone).slice(1)).toEqual([
      '',
      'SCAN          FROM                 POSITION             PAGES  CLIENTS  NEXT DUE',
      'live          –                    –                    –      –        at the poll interval',
      'backfill      2026-01-01T00:00:00  2026-03-01T08:00:00  3      250      now',
      'look-back 5m  2026-01-01T00:00:00  –                    3      250      2026-06-15T10:01:00.000Z',
      'recheck       2026-02-01T00:00:00  –                    –      –        after the other background scans',
      'full          –                    –                    –      –        2026-06-15T11:00:00.000Z',
      '',
      'LOOK-BACK  LAST START                DUE',
      '5m         2026-06-15T10:00:00.000Z  2026-06-15T10:01:00.000Z',
      '',
      'INDEX  SEGMENTS  ENTRIES  BYTES',
      'base   2         1000     24000',
      'run    0         0        0',
      'spill  1         50       1200',
      'delta  –         2        48',
      'generation 2',
      'rules 0: {"ignored":[]}',
      '',
      'claim: epoch 4, by replica-1 at 2026-06-15T10:00:00.000Z',
      'committed: epoch 4, seq 10, by commit-record at 2026-06-15T10:00:00.000Z',
      'pending: none',
    ])
  })

  test('says how many events the pending transaction makes when there is one', () => {
    const { index: _, ...reached } = state
    const pending = {
      ...decision,
      seq: 11,
      by: 'commit-record' as const,
      change: { ...reached, events: 1205, entries: '' },
    }
    expect(checkpointLines({ ...document, pending }, timeZone).at(-1)).toBe(
      'pending: epoch 4, seq 11, 1205 events, valid if Kafka has its commit record',
    )
  })
})
