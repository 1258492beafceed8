import { describe, expect, test } from 'vitest'
import { noWishes } from '../../../connector/checkpoint/wishes.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import { type ReplicaEvent, replicaStatus } from '../../../connector/telemetry/replica-status.ts'
import { history, published } from '../../support/every-pipeline-event.ts'
import { entered, failed, withState } from '../../support/stream-states.ts'

// Events are observed at given times, and the report is read.

const second = 1000
const minute = 60 * second

/** A running replica that is ready for five minutes without progress. */
function watched({ intervalMs = 5 * second } = {}) {
  const time = { now: 0 }
  const clock = { ...systemClock, monotonic: () => time.now, now: () => time.now }
  const replica = replicaStatus({ clock, readyAfterMs: 5 * minute, placement: 'group' })
  replica.setState('running')
  const follow = replica.follow('shop', { intervalMs, timeZone: 'Europe/Paris' })
  /** What it reports after these events at that time. */
  const at = (now: number, ...events: PipelineEvent[]) => {
    time.now = now
    for (const event of events.flatMap(withState)) follow(event)
    const { ready, why, group, streams } = replica.report()
    return { ready, because: why, group, ...streams[0] }
  }
  const observe = (now: number, event: ReplicaEvent) => {
    time.now = now
    replica.observe(event)
  }
  return { replica, at, observe }
}

const opening = entered('opening')
const claimed: PipelineEvent = { kind: 'stream-claimed', epoch: 1, seq: 0, history: 'first', isNew: true, nextEvent: 0 }
const page: PipelineEvent = { kind: 'page-read', scan: 'live', clients: 10, limit: 100, bytes: 1000, tookMs: 5 }
const caughtUp: PipelineEvent = { kind: 'caught-up', clients: 10, pages: 1 }
const running = [opening, claimed, page, caughtUp, published({ events: 10 })] as const

const unavailable = new ConnectorError('storage.unavailable', 'write checkpoint')
const retrying = failed('retrying', unavailable)
const held = failed('held', new ConnectorError('checkpoint.damaged', 'read checkpoint'))
const unreachable = new ConnectorError('publish.failed', 'join group shops: b:9092 refuses the connection')
const membershipLost: ReplicaEvent = { kind: 'membership-lost', code: unreachable.code, error: unreachable }
const joined: ReplicaEvent = { kind: 'group-joined', slots: [1], streams: [], tookMs: 1 }

describe('a replica', () => {
  test('is not ready while it starts or stops, and ready while it stands by', () => {
    const { replica, at } = watched()
    for (const state of ['starting', 'stopping'] as const) {
      replica.setState(state)
      expect(at(0)).toMatchObject({ ready: false, because: state })
    }
    replica.setState('running')
    expect(at(60 * minute)).toMatchObject({ ready: true, because: undefined, state: 'waiting' })
  })

  test('stays ready while the broker of its group is away, until the limit without progress, and says why', () => {
    const { at, observe } = watched()
    at(0, ...running)
    observe(minute, membershipLost)
    expect(at(6 * minute, page, published())).toMatchObject({
      ready: true,
      group: {
        state: 'rejoining',
        secondsInState: 300,
        code: 'publish.failed',
        error: expect.stringContaining(unreachable.message),
      },
      level: 'idle',
    })
    expect(at(6 * minute)).not.toHaveProperty('progress', 'caught up')
    expect(at(6 * minute + 1)).toMatchObject({ ready: false, because: 'out of the consumer group' })
    observe(7 * minute, joined)
    expect(at(7 * minute)).toMatchObject({ ready: true, group: { state: 'member' } })
    expect(at(7 * minute).group).not.toHaveProperty('code')
  })
})

describe('a stream', () => {
  test('is not ready until it is opened, and shows the failure with its hint', () => {
    const { at } = watched()
    at(0, opening)
    expect(at(second, retrying)).toMatchObject({
      ready: false,
      why: 'not opened yet',
      code: 'storage.unavailable',
      error: 'storage.unavailable: write checkpoint',
      hint: expect.stringContaining('the stream waits'),
    })
    expect(at(2 * second, claimed)).toMatchObject({ ready: true, state: 'running', progress: 'catching up' })
  })

  test('has three poll intervals for progress', () => {
    const { at } = watched({ intervalMs: 60 * minute })
    at(0, ...running)
    expect(at(180 * minute).ready).toBe(true)
    expect(at(180 * minute + 1).ready).toBe(false)
  })

  test('that reads but cannot publish makes no progress', () => {
    const { at } = watched()
    at(0, ...running)
    for (let now = 0; now < 6 * minute; now += 10 * second) at(now, opening, claimed, page, caughtUp, retrying)
    expect(at(6 * minute)).toMatchObject({ ready: false, why: 'no progress' })
  })

  test('that is opened again has its full time for progress', () => {
    const { at } = watched()
    at(0, ...running, entered('waiting'))
    at(60 * minute, opening, claimed)
    expect(at(64 * minute).ready).toBe(true)
    expect(at(66 * minute).ready).toBe(false)
  })

  test('that is held makes the replica not ready, and keeps its code until the failure is over', () => {
    const { at } = watched()
    at(0, ...running)
    const heldNow = at(second, held)
    expect(heldNow).toMatchObject({
      ready: false,
      state: 'held',
      why: 'held',
      code: 'checkpoint.damaged',
      level: 'bad',
    })
    expect(heldNow.progress).toBeUndefined()
    const missing = new ConnectorError('publish.topic-missing', 'open')
    expect(at(minute, failed('held', missing))).toMatchObject({
      state: 'held',
      code: 'publish.topic-missing',
      secondsFailing: 59,
    })
    expect(at(2 * minute, page, published({ events: 1 }))).toMatchObject({
      ready: false,
      code: 'publish.topic-missing',
    })
    const after = at(3 * minute, entered('running', 'held'))
    expect(after.ready).toBe(true)
    expect(after).not.toHaveProperty('code')
  })

  test('that waits, has ended or is paused does not affect readiness, and shows no position', () => {
    for (const state of ['waiting', 'ended', 'paused'] as const) {
      const { at } = watched()
      at(0, ...running, entered(state))
      const found = at(60 * minute)
      expect(found).toMatchObject({ ready: true, state, totals: { events: 10 } })
      expect(found).not.toHaveProperty('seq')
    }
  })

  test('that is paused shows who paused it and why, and what it cannot settle', () => {
    const { at } = watched()
    const why = { pause: { ...noWishes, reason: 'why', by: 'operator-1' } }
    at(0, ...running)
    const pause = { reason: 'why', requestedBy: 'operator-1', requestedAt: '1970-01-01T00:00:00.000Z' }
    expect(at(second, entered('paused', 'running', why))).toMatchObject({ state: 'paused', pause, ready: true })
    expect(at(second, failed('paused', unavailable))).toMatchObject({ state: 'paused', code: unavailable.code })
    expect(at(second, entered('paused', 'paused', why))).not.toHaveProperty('code')
    expect(at(minute, entered('opening', 'paused')).pause).toBeUndefined()
  })

  test('shows its position, the scans in progress, and since when one is backed off', () => {
    const { at } = watched()
    at(0, opening, { ...claimed, epoch: 4 }, { kind: 'scan-started', scan: 'live', lastChanged: '2026-01-01T00:00:00' })
    const scans = { ...newScans, background: [history] }
    at(second, page, published({ events: 6, superseded: 1 }, { scans, seq: 10, newestChange: 1000 }))
    at(second, {
      kind: 'scan-backed-off',
      scan: 'history',
      reachMs: null,
      pauseMs: 60_000,
      code: 'source.unreachable',
      error: undefined,
    })
    expect(at(61 * second)).toMatchObject({
      epoch: 4,
      seq: 10,
      lastChanged: '2026-01-01T00:00:00',
      newestChange: '1970-01-01T00:00:01.000Z',
      scans: [{ lane: 'history', from: history.from, pages: history.pages, secondsBackedOff: 60 }],
      totals: { pages: 1, clients: 10, events: 6, superseded: 1, deadLetters: 0 },
    })
  })
})
