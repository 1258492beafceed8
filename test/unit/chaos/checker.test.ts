import { describe, expect, it } from 'vitest'
import { problemsOf, type StreamEvidence } from '../../chaos/checker.ts'
import { type CheckpointVersion, checkpointVersion } from '../../chaos/checkpoint-history.ts'
import type { RecordBatch } from '../../chaos/record-batch.ts'
import type { PartitionLog } from '../../chaos/topic-log.ts'

interface Told {
  readonly client: string
  readonly version: number
  readonly sequence: number
  readonly epoch?: number
  readonly value?: string
}

function batch(at: number, { client, version, sequence, epoch = 0, value }: Told): RecordBatch {
  const event = {
    ...{ type: 'client.modified', id: `${client}.${version}`, subject: client, partitionkey: client },
    ...{ sequence: `${sequence}`.padStart(20, '0'), data: { No: client, NoVersion: `${version}` } },
  }
  const offset = BigInt(at)
  const record = { offset, timestamp: 0, key: Buffer.from(client), value: Buffer.from(value ?? JSON.stringify(event)) }
  const producer = { producerId: 7n, producerEpoch: epoch, isTransactional: true }
  return { firstOffset: offset, lastOffset: offset, ...producer, marker: undefined, records: [record] }
}

function log(partition: number, told: readonly Told[], more: Partial<PartitionLog> = {}): PartitionLog {
  const batches = told.map((one, at) => batch(at, one))
  return { topic: 'topic', partition, batches, aborted: new Map(), isAtEnd: true, ...more }
}

function version(at: number, change: Partial<CheckpointVersion> = {}): CheckpointVersion {
  const replaces = at === 0 ? undefined : `tag ${at - 1}`
  const place = { claimEpoch: 1, committed: { epoch: 1, seq: at }, pending: undefined, drained: undefined }
  return { key: 'key', etag: `tag ${at}`, replaces, isSure: true, ...place, ...change }
}

/** Two clients in two partitions; the second owner has told the end. */
const a: readonly Told[] = [
  { client: 'a', version: 1, sequence: 0 },
  { client: 'a', version: 2, sequence: 2 },
  { client: 'a', version: 4, sequence: 4, epoch: 1 },
]
const b: readonly Told[] = [
  { client: 'b', version: 1, sequence: 1 },
  { client: 'b', version: 2, sequence: 3, epoch: 1 },
]
/** One in each second, those of a first. */
const changes = ['a', 'a', 'a', 'a', 'b', 'b'].map((clientId, at) => {
  return { clientId, version: clientId === 'a' ? at + 1 : at - 3, modified: `2026-06-15T12:00:0${at}.500` }
})
const right: StreamEvidence = {
  ...{ stream: 'one', changes, logs: [log(0, a), log(1, b)], overlapMs: 60_000 },
  checkpoints: [version(0), version(1, drained('12:00:08', 5)), version(2, { claimEpoch: 2 })],
}

/** A drain that began at that time is done. */
function drained(begunAt: string, events: number): Partial<CheckpointVersion> {
  const lastChanged = new Date(Date.parse(`2026-06-15T${begunAt}Z`) - 60_000).toISOString().slice(0, 19)
  return { drained: { lastChanged, events } }
}

const changed = <Item>(items: readonly Item[], at: number, change: Partial<Item>) =>
  items.map((item, index) => (index === at ? { ...item, ...change } : item))
const without = <Item>(items: readonly Item[], at: number) => items.filter((_, index) => index !== at)
const withLogs = (...logs: readonly PartitionLog[]): StreamEvidence => ({ ...right, logs })
const withCheckpoints = (...checkpoints: readonly CheckpointVersion[]): StreamEvidence => ({ ...right, checkpoints })
const aborted = (firstOffset: bigint) => new Map([['7', { producerId: 7n, firstOffset }]])

it('finds nothing wrong where everything is right', () => {
  expect(problemsOf(right)).toEqual([])
})

it('leaves aborted events out', () => {
  const [first, ...later] = a.map((one, at) => batch(at + 2, one))
  const gone = batch(0, { client: 'a', version: 1, sequence: 0 })
  const marker: RecordBatch = { ...gone, firstOffset: 1n, lastOffset: 1n, marker: 'abort', records: [] }
  const batches = [gone, marker, ...(first === undefined ? [] : [first]), ...later]
  expect(problemsOf(withLogs(log(0, [], { batches, aborted: aborted(0n) }), log(1, b)))).toEqual([])
  expect(problemsOf(withLogs(log(0, [], { batches }), log(1, b)))).not.toEqual([])
})

describe('finds', () => {
  it.each<[string, StreamEvidence, RegExp]>([
    ['an event removed', withLogs(log(0, without(a, 1)), log(1, b)), /sequence 2 is missing/],
    ['the last event removed', withLogs(log(0, without(a, 2)), log(1, b)), /the last change is lost/],
    ['a client without any event', withLogs(log(0, a)), /client b: lost/],
    ['a partition without events of its own', withLogs(log(0, a), log(1, [])), /client b: lost/],
    ['an event doubled', withLogs(log(0, [...a, ...a.slice(2)]), log(1, b)), /client a: doubled/],
    ['an event id doubled', withLogs(log(0, [...a, ...a.slice(2)]), log(1, b)), /1 event ids come again/],
    [
      'two events swapped',
      withLogs(log(0, [...a.slice(1), ...a.slice(0, 1)]), log(1, b)),
      /client a: doubled or out of order/,
    ],
    [
      'an event that is aborted',
      withLogs(log(0, a), log(1, b, { aborted: aborted(1n) })),
      /client b: the last change is lost/,
    ],
    ['a gap in the numbers', withLogs(log(0, changed(a, 2, { sequence: 5 })), log(1, b)), /sequence 4 is missing/],
    ['a number that repeats', withLogs(log(0, changed(a, 1, { sequence: 1 })), log(1, b)), /follows a repeat/],
    [
      'numbers that fall',
      withLogs(log(0, changed(changed(a, 0, { sequence: 2 }), 1, { sequence: 0 })), log(1, b)),
      /sequence 0 too late/,
    ],
    [
      'a version that the source never had',
      withLogs(log(0, changed(a, 1, { version: 9 })), log(1, b)),
      /client a: doubled or out of order/,
    ],
    [
      'an older epoch after a newer one',
      withLogs(log(0, changed(a, 1, { epoch: 2 })), log(1, b)),
      /epoch 1 of producer 7 after 2/,
    ],
    [
      'a fenced owner in another partition',
      withLogs(log(0, a), log(1, changed(b, 0, { epoch: 1 }))),
      /event 2 by a fenced owner/,
    ],
    [
      'rubbish',
      withLogs(log(0, a), log(1, [...b, { client: 'b', version: 3, sequence: 5, value: '{' }])),
      /partition 1 offset 2: no event/,
    ],
    [
      'another key than the client',
      withLogs(log(0, changed(a, 0, { value: '{"type":"client.modified","id":"x"}' })), log(1, b)),
      /key and client differ/,
    ],
  ])('%s', (_, evidence, expected) => {
    expect(problemsOf(evidence)).toContainEqual(expect.stringMatching(expected))
  })

  it.each<[string, StreamEvidence, RegExp]>([
    [
      'a transaction number that goes back',
      withCheckpoints(version(0), version(1, { committed: { epoch: 1, seq: 5 } }), version(2)),
      /goes back/,
    ],
    [
      'an epoch that goes back',
      withCheckpoints(version(0, { committed: { epoch: 2, seq: 0 } }), version(1)),
      /goes back/,
    ],
    ['a claim that goes back', withCheckpoints(version(0, { claimEpoch: 3 }), version(1)), /goes back/],
    [
      'a version overwritten by two',
      withCheckpoints(version(0), version(1), version(1, { etag: 'other' })),
      /was replaced already/,
    ],
    [
      'a drain done before the last change was told',
      withCheckpoints(version(0), version(1, drained('12:00:08', 4))),
      /client a: version 4 passed over by the drain of 2026-06-15T12:00:07/,
    ],
    [
      'a change that the next one of its client hides',
      withCheckpoints(version(0), version(1, drained('12:00:04', 2))),
      /client a: version 3 passed over/,
    ],
    ['a version out of nowhere', withCheckpoints(version(0), version(2)), /nobody wrote/],
  ])('%s in the checkpoints', (_, evidence, expected) => {
    expect(problemsOf(evidence)).toContainEqual(expect.stringMatching(expected))
  })
})

it('takes no client for passed over that was told newer already, whatever the numbers of its events', () => {
  const turned = changed(changed(a, 1, { sequence: 4 }), 2, { sequence: 2 })
  expect(problemsOf(withLogs(log(0, turned), log(1, b)))).not.toContainEqual(expect.stringMatching(/passed over/))
})

it('takes it that a write without an answer may have been done, or not', () => {
  const unsure = { isSure: false }
  expect(problemsOf(withCheckpoints(version(0), version(1, unsure), version(2)))).toEqual([])
  expect(problemsOf(withCheckpoints(version(0), version(1, unsure), version(1, { etag: 'other' })))).toEqual([])
})

it('reads the versions of a checkpoint from what went to the store, and nothing else', () => {
  const state = { events: 9, resume: { lastChanged: '2026-06-15T12:00:00', checkPoint: null } }
  const document = { claim: { epoch: 3 }, committed: { epoch: 2, seq: 7, state }, pending: { epoch: 3, seq: 8 } }
  const body = Buffer.from(JSON.stringify(document))
  const write = { method: 'PUT', path: '/bucket/key', ifMatch: '"before"', body, status: 200 }
  const places = { claimEpoch: 3, committed: { epoch: 2, seq: 7 }, pending: { epoch: 3, seq: 8 } }
  expect(checkpointVersion(write)).toMatchObject({ key: '/bucket/key', replaces: 'before', isSure: true, ...places })
  expect(checkpointVersion(write)?.drained).toEqual({ lastChanged: '2026-06-15T12:00:00', events: 9 })
  expect(checkpointVersion({ ...write, status: undefined })).toMatchObject({ isSure: false, ...places })
  expect(checkpointVersion({ ...write, status: 412 })).toBeUndefined()
  expect(checkpointVersion({ ...write, method: 'GET' })).toBeUndefined()
  expect(checkpointVersion({ ...write, body: Buffer.from('probe') })).toBeUndefined()
})
