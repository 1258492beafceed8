import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { streamStatus } from '../../../connector/telemetry/events/pipeline-events.ts'
import { health, type ReplicaState } from '../../../connector/telemetry/health.ts'
import { unobserved } from '../../../connector/telemetry/stream-status.ts'
import { published as publishedGroup } from '../../support/every-pipeline-event.ts'
import { polling } from '../../support/polling.ts'
import { entered, withState } from '../../support/stream-states.ts'

const second = 1000
const minute = 60 * second
const opening: PipelineEvent = entered('opening')
const claimed: PipelineEvent = {
  kind: 'stream-claimed',
  epoch: 1,
  seq: 0,
  backfill: 'first',
  isNew: true,
  events: 0,
}
const scan: PipelineEvent = { kind: 'scan-started', scan: 'live', lastChanged: '2026-01-01T00:00:00' }
const page: PipelineEvent = { kind: 'page-read', scan: 'live', clients: 10, limit: 100, bytes: 1000, tookMs: 5 }
const emptyPage: PipelineEvent = { ...page, clients: 0 }
const published = publishedGroup({ events: 10 })
const nothingNew = publishedGroup()
const caughtUp: PipelineEvent = { kind: 'caught-up', clients: 10, pages: 1, tookMs: 10 }
const retrying: PipelineEvent = {
  kind: 'stream-retrying',
  code: 'storage.unavailable',
  error: new ConnectorError('storage.unavailable', 'write checkpoint'),
  pauseMs: 100,
  ...{ attempt: 1, isRepeated: false },
}
const held: PipelineEvent = {
  kind: 'stream-held',
  code: 'checkpoint.damaged',
  error: new ConnectorError('checkpoint.damaged', 'read checkpoint'),
  pauseMs: minute,
}

type TimedEvents = readonly [at: number, ...events: PipelineEvent[]]

function statusAfter(timeline: readonly TimedEvents[]) {
  const all = timeline.flatMap(([at, ...events]) => events.flatMap(withState).map((event) => ({ at, event })))
  return all.reduce((status, { at, event }) => streamStatus(status, event, at), unobserved)
}

const inGroup = { group: { isOutForMs: undefined, failure: undefined } }

function healthAt(
  now: number,
  timeline: readonly TimedEvents[],
  settings: { poll?: number; replica?: ReplicaState } = {},
) {
  const status = statusAfter(timeline)
  const streams = [{ stream: 'shop', poll: { ...polling, maxIntervalMs: settings.poll ?? 30 * second }, status }]
  const replicaState = settings.replica ?? 'running'
  const found = health({ ...inGroup, replicaState, streams, readyAfterMs: 5 * minute }, now)
  return { ...found.streams[0], ready: found.ready, because: found.because }
}

const running: TimedEvents = [0, opening, claimed, scan, page, caughtUp, published]

test('a replica is not ready while it starts or stops, and ready while it stands by', () => {
  const standby = (replica: ReplicaState) => healthAt(0, [], { replica })
  expect(standby('starting')).toMatchObject({ ready: false, because: [{ why: 'starting' }] })
  expect(standby('running')).toMatchObject({ ready: true, because: [] })
  expect(standby('stopping')).toMatchObject({ ready: false, because: [{ why: 'stopping' }] })
})

test('a replica is not ready while a stream is not opened yet, and shows the failure', () => {
  expect(
    healthAt(10 * second, [
      [0, opening],
      [second, retrying],
    ]),
  ).toMatchObject({
    ready: false,
    state: 'retrying',
    why: 'not opened yet',
    code: 'storage.unavailable',
    hint: expect.stringContaining('the stream waits'),
  })
  expect(healthAt(10 * second, [[0, opening, claimed]])).toMatchObject({
    ready: true,
    state: 'running',
    progress: 'catching up',
  })
})

test('a stream without changes is ready while its polls succeed', () => {
  const polls = Array.from(
    { length: 200 },
    (_, index): TimedEvents => [index * 5 * second, scan, emptyPage, nothingNew],
  )
  const quiet = { ready: true, state: 'running', progress: 'caught up', secondsSinceGoodPoll: 5 }
  expect(healthAt(1000 * second, [running, ...polls])).toMatchObject(quiet)
})

test('a stream is not ready after five minutes without progress, and shows the last failure', () => {
  const throttled: TimedEvents = [
    second,
    { kind: 'read-retried', code: 'source.throttled', attempt: 1, error: undefined },
  ]
  expect(healthAt(5 * minute, [running, throttled]).ready).toBe(true)
  expect(healthAt(5 * minute + 1, [running, throttled])).toMatchObject({
    ready: false,
    why: 'no progress',
    code: 'source.throttled',
    secondsSinceGoodPoll: 300.001,
  })
})

test('a stream with a long poll interval has three intervals for progress', () => {
  expect(healthAt(3 * 60 * minute, [running], { poll: 60 * minute }).ready).toBe(true)
  expect(healthAt(3 * 60 * minute + 1, [running], { poll: 60 * minute }).ready).toBe(false)
})

test('a stream that hangs before its first page is not ready', () => {
  expect(healthAt(6 * minute, [[0, opening, claimed]])).toMatchObject({ ready: false, why: 'no progress' })
})

test('a stream stays ready during a short failure, and published pages clear the failure', () => {
  expect(healthAt(minute, [running, [second, retrying, opening]])).toMatchObject({
    ready: true,
    code: 'storage.unavailable',
  })
  const again: TimedEvents = [2 * second, claimed, scan, page, published]
  expect(healthAt(minute, [running, [second, retrying, opening], again])).not.toHaveProperty('code')
})

test('a stream that reads but cannot publish makes no progress', () => {
  const failing = Array.from(
    { length: 60 },
    (_, index): TimedEvents => [index * 10 * second, opening, claimed, scan, page, page, caughtUp, retrying],
  )
  expect(healthAt(10 * minute, [running, ...failing])).toMatchObject({ ready: false, why: 'no progress' })
})

test('a held stream makes the replica not ready and shows its code and hint, even after a recent page', () => {
  const heldHealth = healthAt(second, [running, [second, held]])
  expect(heldHealth).not.toHaveProperty('progress')
  expect(heldHealth).toMatchObject({
    ready: false,
    state: 'held',
    why: 'held',
    code: 'checkpoint.damaged',
    hint: expect.stringContaining('checkpoint rewind'),
  })
})

test('a stream that reads says that the replica is out of the group, and why, until the replica has rejoined', () => {
  const failure = {
    code: 'publish.failed',
    error: 'join group shop: kafka-1:9092 refuses the connection',
  } as const
  const seenAt = (timeline: readonly TimedEvents[], group: Parameters<typeof health>[0]['group']) => {
    const streams = [{ stream: 'shop', poll: polling, status: statusAfter(timeline) }]
    const parts = { ...inGroup, replicaState: 'running', streams, readyAfterMs: 5 * minute } as const
    return health({ ...parts, group }, 2 * minute)
  }
  const out = { isOutForMs: minute, failure }
  expect(seenAt([running], out)).toMatchObject({
    ready: true,
    streams: [{ state: 'running', progress: 'caught up', outOfGroup: true, ...failure, secondsFailing: 60 }],
  })
  expect(seenAt([running, [second, held]], out).streams).toMatchObject([{ state: 'held', code: 'checkpoint.damaged' }])
  for (const [timeline, group] of [
    [[running], inGroup.group],
    [[running, [second, held]], out],
    [[], out],
  ] as const)
    expect(seenAt(timeline, group).streams[0]).not.toHaveProperty('outOfGroup')
})

test('a held stream shows its current code, and keeps it after resuming until there is progress', () => {
  const other: PipelineEvent = { ...held, kind: 'stream-still-held', code: 'publish.topic-missing' }
  const resuming: PipelineEvent = entered('opening', 'held')
  const before = [running, [second, held], [minute, other]] as const
  expect(healthAt(2 * minute, before)).toMatchObject({ state: 'held', code: 'publish.topic-missing' })
  const resumed = [...before, [2 * minute, resuming, opening, claimed]] as const
  expect(healthAt(3 * minute, resumed)).toMatchObject({ ready: true, state: 'running', code: 'publish.topic-missing' })
  expect(healthAt(6 * minute, resumed)).toMatchObject({ ready: false, why: 'no progress' })
  expect(healthAt(6 * minute, [...resumed, [3 * minute, scan, page, published]])).not.toHaveProperty('code')
})

test('a stream that waits for its assignment or has ended does not affect readiness', () => {
  expect(healthAt(60 * minute, [running, [second, entered('waiting')]])).toMatchObject({
    ready: true,
    state: 'waiting',
  })
  expect(healthAt(60 * minute, [running, [second, entered('ended')]])).toMatchObject({
    ready: true,
    state: 'ended',
  })
})

test('a stream that is opened again has its full time for progress', () => {
  const back: TimedEvents = [60 * minute, opening, claimed]
  expect(healthAt(64 * minute, [running, [second, entered('waiting')], back]).ready).toBe(true)
  expect(healthAt(66 * minute, [running, [second, entered('waiting')], back]).ready).toBe(false)
})

test('one held stream makes the replica not ready, which names that stream only', () => {
  const streams = [
    { stream: 'good', poll: polling, status: statusAfter([running]) },
    { stream: 'bad', poll: polling, status: statusAfter([running, [1, held]]) },
  ]
  const found = health({ ...inGroup, replicaState: 'running', streams, readyAfterMs: minute }, second)
  expect(found).toMatchObject({
    ready: false,
    because: [{ stream: 'bad', why: 'held', code: 'checkpoint.damaged', error: 'read checkpoint' }],
  })
  expect(found.because).toHaveLength(1)
  expect(JSON.stringify(found.streams)).not.toContain('"ready"')
})

test('says what was seen, for how long the stream has been failing, and what to do', () => {
  const retried = (seen: string): PipelineEvent => ({
    kind: 'read-retried',
    code: 'source.function-missing',
    attempt: 1,
    error: new ConnectorError('source.function-missing', seen),
  })
  const error = new ConnectorError('source.function-missing', 'status 404; 63 such responses in a row')
  const givenUp: PipelineEvent = { kind: 'stream-held', code: 'source.function-missing', error, pauseMs: minute }
  const timeline: TimedEvents[] = [running, [minute, retried('status 404')], [16 * minute, givenUp]]
  expect(healthAt(2 * minute, timeline.slice(0, 2))).toMatchObject({ error: 'status 404', secondsFailing: 60 })
  expect(healthAt(20 * minute, timeline)).toMatchObject({
    state: 'held',
    code: 'source.function-missing',
    error: error.message,
    hint: expect.stringContaining('POLARIS_URL'),
    secondsFailing: 19 * 60,
  })
  const recovered = healthAt(21 * minute, [...timeline, [21 * minute, opening, claimed, published]])
  expect(recovered).not.toMatchObject({ secondsFailing: expect.anything() })
  expect(recovered).not.toMatchObject({ error: expect.anything() })
})

test('does not show the message of an error that is not its own (invariant 8)', () => {
  const bug: PipelineEvent = { kind: 'stream-held', code: 'bug', error: new TypeError('DUPONT'), pauseMs: minute }
  expect(JSON.stringify(healthAt(minute, [running, [minute, bug]]))).not.toContain('DUPONT')
})

test('a paused stream shows its reason and no ages, does not affect readiness, and starts again when it is resumed', () => {
  const paused: PipelineEvent = { kind: 'stream-paused', reason: 'why', requestedAt: 0, requestedBy: 'operator-1' }
  const before: TimedEvents[] = [
    [0, opening, claimed, scan, page, published],
    [1 * second, entered('ended'), paused],
  ]
  const pause = { reason: 'why', requestedBy: 'operator-1', requestedAt: '1970-01-01T00:00:00.000Z' }
  expect(healthAt(60 * minute, before)).toMatchObject({ state: 'paused', ready: true, pause })
  expect(healthAt(60 * minute, before)).not.toHaveProperty('secondsSinceGoodPoll')
  const resumed = healthAt(60 * minute, [...before, [60 * minute, entered('opening', 'paused'), claimed]])
  expect(resumed).toMatchObject({ state: 'running', ready: true })
  expect(resumed).not.toHaveProperty('pause')
})

test('a paused stream that cannot be left shows why', () => {
  const error = new ConnectorError('storage.unavailable', 'write checkpoint: connection refused')
  const paused: PipelineEvent = { kind: 'stream-paused', reason: 'why', requestedAt: 0, requestedBy: 'operator-1' }
  const unsettled: PipelineEvent = { kind: 'pause-unsettled', code: error.code, error }
  expect(healthAt(minute, [running, [second, entered('paused'), paused, unsettled]])).toMatchObject({
    ...{ state: 'paused', ready: true, code: error.code, error: error.message },
  })
})
