import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { health, type ReplicaState } from '../../../connector/telemetry/health.ts'
import { streamStatus, unobserved } from '../../../connector/telemetry/stream-status.ts'

const second = 1000
const minute = 60 * second
const opening: PipelineEvent = { kind: 'stream-opening' }
const claimed: PipelineEvent = {
  kind: 'stream-claimed',
  epoch: 1,
  seq: 0,
  lastChanged: '2026-01-01T00:00:00',
  isNew: true,
  events: 0,
}
const drain: PipelineEvent = { kind: 'drain-started', lastChanged: '2026-01-01T00:00:00' }
const page: PipelineEvent = { kind: 'page-read', clients: 10, bytes: 1000, tookMs: 5 }
const emptyPage: PipelineEvent = { ...page, clients: 0 }
const published: PipelineEvent = {
  kind: 'group-published',
  pages: 1,
  events: 10,
  deadLetters: 0,
  suppressed: 0,
  bytes: 900,
  tookMs: 9,
  seq: 1,
}
const nothingNew: PipelineEvent = { ...published, events: 0 }
const caughtUp: PipelineEvent = { kind: 'caught-up', clients: 10, pages: 1, tookMs: 10 }
const retrying: PipelineEvent = {
  kind: 'stream-retrying',
  code: 'storage.unavailable',
  error: new ConnectorError('storage.unavailable', 'write checkpoint'),
  pauseMs: 100,
}
const stopped: PipelineEvent = {
  kind: 'stream-stopped',
  code: 'checkpoint.damaged',
  error: new ConnectorError('checkpoint.damaged', 'read checkpoint'),
}
const fenced = new ConnectorError('publish.fenced', 'fenced')
const lost: PipelineEvent = { kind: 'stream-lost', error: fenced, wasStopping: false }

type Happening = readonly [at: number, ...events: PipelineEvent[]]

function statusAfter(happenings: readonly Happening[]) {
  const all = happenings.flatMap(([at, ...events]) => events.map((event) => ({ at, event })))
  return all.reduce((status, { at, event }) => streamStatus(status, event, at), unobserved)
}

function seen(now: number, happenings: readonly Happening[], settings: { poll?: number; replica?: ReplicaState } = {}) {
  const status = statusAfter(happenings)
  const streams = [{ stream: 'shop', pollIntervalMs: settings.poll ?? 5 * second, status }]
  const found = health({ replicaState: settings.replica ?? 'running', streams, readyAfterMs: 5 * minute }, now)
  return { ...found.streams[0], ready: found.ready }
}

const running: Happening = [0, opening, claimed, drain, page, caughtUp, published]

test('a replica that is starting or stopping is not ready; one that stands by is', () => {
  const standby = (replica: ReplicaState) => seen(0, [], { replica }).ready
  expect([standby('starting'), standby('running'), standby('stopping')]).toEqual([false, true, false])
})

test('a stream that was not opened yet keeps the replica from being ready, and tells what it waits for', () => {
  expect(
    seen(10 * second, [
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
  expect(seen(10 * second, [[0, opening, claimed]])).toMatchObject({ ready: true, state: 'running', drain: 'draining' })
})

test('an idle stream is ready as long as its polls succeed, with and without a session', () => {
  const polls = Array.from({ length: 200 }, (_, index): Happening => [index * 5 * second, drain, emptyPage, nothingNew])
  const quiet = { ready: true, state: 'running', drain: 'caught up', secondsSinceGoodPoll: 5 }
  expect(seen(1000 * second, [running, ...polls])).toMatchObject(quiet)
  expect(seen(1000 * second, [running, ...polls])).not.toHaveProperty('idle')
  const rested: Happening = [995 * second, { kind: 'session-closed' }]
  expect(seen(1000 * second, [running, ...polls, rested])).toMatchObject({ ...quiet, idle: true })
})

test('an idle stream that wakes up is still caught up; one that was opened after a failure is not', () => {
  const rested: Happening = [second, { kind: 'session-closed' }]
  expect(seen(3 * second, [running, rested, [2 * second, opening]])).toMatchObject({ ready: true, state: 'opening' })
  const woken = seen(3 * second, [running, rested, [2 * second, opening, claimed]])
  expect(woken).toMatchObject({ state: 'running', drain: 'caught up' })
  expect(woken).not.toHaveProperty('idle')
  expect(seen(3 * second, [running, rested, [2 * second, opening, retrying, opening, claimed]])).toMatchObject({
    drain: 'draining',
  })
})

test('a stalled stream is not ready once it had no good poll for five minutes, with the last failure', () => {
  const throttled: Happening = [second, { kind: 'read-retried', code: 'source.throttled', attempt: 1 }]
  expect(seen(5 * minute, [running, throttled]).ready).toBe(true)
  expect(seen(5 * minute + 1, [running, throttled])).toMatchObject({
    ready: false,
    why: 'no progress',
    code: 'source.throttled',
    secondsSinceGoodPoll: 300.001,
  })
})

test('a stream that polls seldom has three of its intervals', () => {
  expect(seen(3 * 60 * minute, [running], { poll: 60 * minute }).ready).toBe(true)
  expect(seen(3 * 60 * minute + 1, [running], { poll: 60 * minute }).ready).toBe(false)
})

test('a stream that hangs before its first page is found too', () => {
  expect(seen(6 * minute, [[0, opening, claimed]])).toMatchObject({ ready: false, why: 'no progress' })
})

test('a short failure leaves a stream ready, and a good page ends the trouble', () => {
  expect(seen(minute, [running, [second, retrying, opening]])).toMatchObject({
    ready: true,
    code: 'storage.unavailable',
  })
  const again: Happening = [2 * second, claimed, drain, page, published]
  expect(seen(minute, [running, [second, retrying, opening], again])).not.toHaveProperty('code')
})

test('a stream that reads again and again but never gets its clients through makes no progress', () => {
  const failing = Array.from(
    { length: 60 },
    (_, index): Happening => [index * 10 * second, opening, claimed, drain, page, page, caughtUp, retrying],
  )
  expect(seen(10 * minute, [running, ...failing])).toMatchObject({ ready: false, why: 'no progress' })
})

test('a stopped stream makes the replica not ready, with its code and hint, however fresh its last page', () => {
  expect(seen(second, [running, [second, stopped]])).toMatchObject({
    ready: false,
    state: 'stopped',
    why: 'stopped',
    code: 'checkpoint.damaged',
    hint: expect.stringContaining('checkpoint set'),
  })
})

test('a stream that went to another replica, or ended, keeps nobody from being ready', () => {
  expect(seen(60 * minute, [running, [second, lost]])).toMatchObject({ ready: true, state: 'lost' })
  expect(seen(60 * minute, [running, [second, { kind: 'stream-ended' }]])).toMatchObject({
    ready: true,
    state: 'ended',
  })
})

test('a stream that comes back is given its time from then', () => {
  const back: Happening = [60 * minute, opening, claimed]
  expect(seen(64 * minute, [running, [second, lost], back]).ready).toBe(true)
  expect(seen(66 * minute, [running, [second, lost], back]).ready).toBe(false)
})

test('one stopped stream among good ones is enough, and the others are told as ready', () => {
  const streams = [
    { stream: 'good', pollIntervalMs: 1000, status: statusAfter([running]) },
    { stream: 'bad', pollIntervalMs: 1000, status: statusAfter([running, [1, stopped]]) },
  ]
  const found = health({ replicaState: 'running', streams, readyAfterMs: minute }, second)
  expect([found.ready, ...found.streams.map(({ ready }) => ready)]).toEqual([false, true, false])
})
