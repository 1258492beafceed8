import { describe, expect, test } from 'vitest'
import { problemsOf, type StreamEvidence } from '../../chaos/checker.ts'
import { type CheckpointVersion, checkpointVersion } from '../../chaos/checkpoint-history.ts'
import type { RecordBatch } from '../../support/record-batch.ts'
import type { PartitionLog } from '../../support/topic-log.ts'

// Evidence that is right is changed in one place, and the checker must name what is wrong.

interface TestEvent {
  readonly client: string
  readonly version: number
  readonly sequence: number
  readonly epoch?: number
  readonly value?: string
  /** Default: `client.modified`. */
  readonly type?: 'client.erased'
  readonly republished?: string
}

function batch(at: number, of: TestEvent): RecordBatch {
  const { client, version, sequence, epoch = 0, value, type = 'client.modified', republished } = of
  const attributes = {
    type,
    id: `${client}.${version}.${sequence}`,
    sequence: `${sequence}`.padStart(20, '0'),
    subject: client,
  }
  const data = type === 'client.modified' ? { No: client, NoVersion: `${version}` } : undefined
  const event = { ...attributes, subject: client, data, republished }
  const headers = new Map(Object.entries(attributes).map(([name, text]) => [`ce_${name}`, text]))
  const offset = BigInt(at)
  const content = type === 'client.erased' ? undefined : Buffer.from(value ?? JSON.stringify(event))
  const record = { offset, timestamp: 0, key: Buffer.from(client), value: content, headers }
  return {
    firstOffset: offset,
    lastOffset: offset,
    producerId: 7n,
    producerEpoch: epoch,
    isTransactional: true,
    marker: undefined,
    records: [record],
  }
}

function log(partition: number, events: readonly TestEvent[], more: Partial<PartitionLog> = {}): PartitionLog {
  const batches = events.map((one, at) => batch(at, one))
  return { topic: 'topic', partition, batches, aborted: new Map(), isAtEnd: true, ...more }
}

function version(at: number, change: Partial<CheckpointVersion> = {}): CheckpointVersion {
  const replaces = at === 0 ? undefined : `tag ${at - 1}`
  const index = { generation: 1, nextEvent: 0 }
  const state = { claimEpoch: 1, index, committed: { epoch: 1, seq: at }, pending: undefined, scanned: undefined }
  return { key: 'key', etag: `tag ${at}`, replaces, isConfirmed: true, ...state, ...change }
}

/** Two clients in two partitions; the last events come from a second owner. */
const a: readonly TestEvent[] = [
  { client: 'a', version: 1, sequence: 0 },
  { client: 'a', version: 2, sequence: 2 },
  { client: 'a', version: 4, sequence: 4, epoch: 1 },
]
const b: readonly TestEvent[] = [
  { client: 'b', version: 1, sequence: 1 },
  { client: 'b', version: 2, sequence: 3, epoch: 1 },
]
/** One per second, those of client `a` first. */
const changes = ['a', 'a', 'a', 'a', 'b', 'b'].map((clientId, at) => {
  return { clientId, version: clientId === 'a' ? at + 1 : at - 3, instant: Date.parse(`2026-06-15T12:00:0${at}.500Z`) }
})
const correct: StreamEvidence = {
  stream: 'one',
  changes,
  logs: [log(0, a), log(1, b)],
  wereAbsent: new Set<string>(),
  checkpoints: [version(0), version(1, scanned('12:00:08', 5)), version(2, { claimEpoch: 2 })],
}

/** A live scan that started at this time is complete. */
function scanned(startedAt: string, nextEvent: number): Partial<CheckpointVersion> {
  return { scanned: { startedAt: Date.parse(`2026-06-15T${startedAt}Z`), nextEvent } }
}

const changed = <Item>(items: readonly Item[], at: number, change: Partial<Item>) =>
  items.map((item, index) => (index === at ? { ...item, ...change } : item))
const withLogs = (...logs: readonly PartitionLog[]): StreamEvidence => ({ ...correct, logs })
const withCheckpoints = (...checkpoints: readonly CheckpointVersion[]): StreamEvidence => ({ ...correct, checkpoints })
const aborted = (firstOffset: bigint) => new Map([['7', { producerId: 7n, firstOffset }]])

test('finds no problem when topics and checkpoints are correct', () => {
  expect(problemsOf(correct)).toEqual([])
})

const erased = { client: 'b', version: 0, sequence: 4, epoch: 1, type: 'client.erased' } as const
const again = { client: 'b', version: 2, sequence: 5, epoch: 1 }

test('takes a client that is published again once for each rewind that its events name', () => {
  const marked = { ...again, republished: 'rewind' }
  expect(problemsOf(withLogs(log(0, a), log(1, [...b, marked])))).toEqual([])
  expect(problemsOf(withLogs(log(0, a), log(1, [...b, marked, { ...marked, sequence: 6 }])))).toContainEqual(
    expect.stringMatching(/client b: duplicate/),
  )
})

describe('finds', () => {
  test.each<[string, StreamEvidence, RegExp]>([
    ['a client without any event', withLogs(log(0, a)), /client b: lost/],
    ['a duplicate event id', withLogs(log(0, [...a, ...a.slice(2)]), log(1, b)), /1 duplicate event ids/],
    ['an aborted event', withLogs(log(0, a), log(1, b, { aborted: aborted(1n) })), /client b: the last change is lost/],
    ['a gap in `sequence`', withLogs(log(0, changed(a, 2, { sequence: 5 })), log(1, b)), /sequence 4 is missing/],
    [
      'a version that the source never had',
      withLogs(log(0, changed(a, 1, { version: 9 })), log(1, b)),
      /client a: duplicate or out of order/,
    ],
    [
      'a key that differs from the client id',
      withLogs(log(0, changed(a, 0, { value: '{"type":"client.modified","id":"x"}' })), log(1, b)),
      /key and client id differ/,
    ],
    [
      'an older producer epoch after a newer one',
      withLogs(log(0, changed(a, 1, { epoch: 2 })), log(1, b)),
      /epoch 1 of producer 7 after 2/,
    ],
    [
      'an event by a fenced owner in another partition',
      withLogs(log(0, a), log(1, changed(b, 0, { epoch: 1 }))),
      /event 2 by a fenced owner/,
    ],
    [
      'an erased client that is published again unchanged',
      withLogs(log(0, changed(a, 2, { sequence: 5 })), log(1, [...b, erased, { ...again, sequence: 4 }])),
      /client b: duplicate/,
    ],
    [
      'a client in two partitions',
      withLogs(log(0, a.slice(0, 2)), log(1, [...b, ...a.slice(2)])),
      /client a: in several partitions/,
    ],
    [
      'an invalid record',
      withLogs(log(0, a), log(1, [...b, { client: 'b', version: 3, sequence: 5, value: '{' }])),
      /partition 1 offset 2: not an event/,
    ],
  ])('%s', (_, evidence, expected) => {
    expect(problemsOf(evidence)).toContainEqual(expect.stringMatching(expected))
  })

  test.each<[string, StreamEvidence, RegExp]>([
    [
      'a transaction number that goes back',
      withCheckpoints(version(0), version(1, { committed: { epoch: 1, seq: 5 } }), version(2)),
      /is older than/,
    ],
    ['a claim that goes back', withCheckpoints(version(0, { claimEpoch: 3 }), version(1)), /is older than/],
    [
      'a version that was replaced twice',
      withCheckpoints(version(0), version(1), version(1, { etag: 'other' })),
      /was already replaced/,
    ],
    [
      'a lost change that the next change of the same client hides',
      withCheckpoints(version(0), version(1, scanned('12:00:04', 2))),
      /client a: version 3 missed/,
    ],
    ['a version that replaces an unknown one', withCheckpoints(version(0), version(2)), /replaces an unknown version/],
  ])('%s in the checkpoints', (_, evidence, expected) => {
    expect(problemsOf(evidence)).toContainEqual(expect.stringMatching(expected))
  })
})

test('parses checkpoint versions from store traffic and ignores rejected writes', () => {
  const scans = { live: { startedAt: 1_000 }, background: [], history: { state: 'done' } }
  const state = { nextEvent: 9, scans, index: { generation: 1 } }
  const document = { claim: { epoch: 3 }, committed: { epoch: 2, seq: 7, state }, pending: { epoch: 3, seq: 8 } }
  const body = Buffer.from(JSON.stringify(document))
  const write = { method: 'PUT', path: '/bucket/key', ifMatch: '"before"', body, status: 200 }
  expect(checkpointVersion(write)).toMatchObject({
    key: '/bucket/key',
    replaces: 'before',
    isConfirmed: true,
    claimEpoch: 3,
    committed: { epoch: 2, seq: 7 },
    scanned: { startedAt: 1_000, nextEvent: 9 },
  })
  expect(checkpointVersion({ ...write, status: undefined })).toMatchObject({ isConfirmed: false })
  expect(checkpointVersion({ ...write, status: 412 })).toBeUndefined()
})
