import { expect, test } from 'vitest'
import { noWishes } from '../../../connector/checkpoint/wishes.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import { processRegistry, scrapedMetrics } from '../../../connector/telemetry/metrics.ts'
import { replicaStatus } from '../../../connector/telemetry/replica-status.ts'
import { mustFit } from '../../support/documentation/output-schema.ts'
import { history, published } from '../../support/every-pipeline-event.ts'
import { polling } from '../../support/polling.ts'
import { entered, failed } from '../../support/stream-states.ts'

// One row for each situation: the events that lead to it, each with its minute, and what status and gauges show then.

const minute = 60_000
const startAt = Date.parse('2026-11-27T12:00:00Z')
const createdAt = startAt - 400 * 24 * 60 * minute
const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')
const longReach = 26 * 60 * minute
const shortReach = 5 * minute

const claimed: PipelineEvent = { kind: 'stream-claimed', epoch: 1, seq: 0, history: 'done', isNew: false, nextEvent: 9 }
const page: PipelineEvent = { kind: 'page-read', scan: 'live', clients: 0, limit: 100, bytes: 90, tookMs: 5 }
const scans = { ...newScans, createdAt, background: [history] }
const liveEnd = published({ events: 0 }, { hasLiveEnd: true, scans })
const caughtUp: PipelineEvent = { kind: 'caught-up', clients: 0, pages: 1 }
const opened = [entered('opening'), claimed, entered('running', 'opening'), page, liveEnd, caughtUp]

const retried = (code: ErrorCode): PipelineEvent => {
  return { kind: 'read-retried', scan: 'live', tried: 'in-turn', code, attempt: 9, error: error(code) }
}
const backedOff = (scan: 'history' | 'look-back', reachMs: number | null): PipelineEvent => {
  const code = 'source.server-error'
  return { kind: 'scan-backed-off', scan, reachMs, pauseMs: minute, code, error: error(code) }
}
const recovered = (reachMs: number): PipelineEvent => {
  return { kind: 'scan-recovered', scan: 'look-back', reachMs, backedOffMs: minute }
}
const paused = entered('paused', 'running', { pause: { ...noWishes, id: '1', paused: true } })

interface Situation {
  readonly events: readonly (readonly [minute: number, ...events: readonly PipelineEvent[]])[]
  /** The minute at which the situation is looked at. */
  readonly at: number
  readonly ready: boolean
  readonly level: 'good' | 'warn' | 'bad' | 'idle'
  readonly progress?: 'caught up' | 'catching up'
  readonly failing?: ErrorCode
  readonly why?: string
  /** Minutes, by lane. */
  readonly backedOff?: Readonly<Record<string, number>>
  /** When the newest change was made, or else when the stream was created; absent for a stream that does not run here. */
  readonly newestChange?: number
}

const running: Situation['events'] = [[0, ...opened]]
const newest = { newestChange: createdAt }
const good = { ready: true, level: 'good', progress: 'caught up', ...newest } as const

const situations: Readonly<Record<string, Situation>> = {
  'a stream that has caught up': {
    events: running,
    at: 0,
    ...good,
  },
  'half a minute in which no live scan ends, before a failure is known': {
    events: running,
    at: 0.5,
    ready: true,
    level: 'idle',
    progress: 'catching up',
    ...newest,
  },
  'an outage of Kafka, after a minute': {
    events: [
      ...running,
      [0.2, failed('retrying', error('publish.failed'))],
      [1, failed('retrying', error('publish.failed'))],
    ],
    at: 1,
    ready: true,
    level: 'warn',
    failing: 'publish.failed',
    ...newest,
  },
  'an outage of Kafka, after three minutes': {
    events: [
      ...running,
      [0.2, failed('retrying', error('publish.failed'))],
      [3, failed('retrying', error('publish.failed'))],
    ],
    at: 3,
    ready: false,
    level: 'bad',
    why: 'failing',
    failing: 'publish.failed',
    ...newest,
  },
  'an outage of the store that is over': {
    events: [
      ...running,
      [0.2, failed('retrying', error('storage.unavailable'))],
      [3, page, liveEnd, entered('running', 'retrying'), caughtUp],
    ],
    at: 3,
    ...good,
  },
  'an outage of Polaris, in which the history can be read': {
    events: [
      ...running,
      [0.2, retried('source.unreachable')],
      [2.5, retried('source.unreachable'), { ...page, scan: 'history' }, published({ events: 9 }, { scans })],
    ],
    at: 2.5,
    ready: false,
    level: 'bad',
    why: 'failing',
    failing: 'source.unreachable',
    ...newest,
  },
  'an outage of Polaris that ends with a live page': {
    events: [...running, [0.2, retried('source.unreachable')], [9, retried('source.unreachable'), page, liveEnd]],
    at: 9,
    ...good,
  },
  'a hold that recurs beside empty live pages': {
    events: [...running, [0.2, failed('held', error('source.mapping'))], [9, claimed, page, liveEnd, caughtUp]],
    at: 9,
    ready: false,
    level: 'bad',
    why: 'held',
    failing: 'source.mapping',
    ...newest,
  },
  'a lane of the background that fails': {
    events: [...running, [1, backedOff('history', null)], [10, page, liveEnd]],
    at: 10,
    ...good,
    backedOff: { history: 9 },
  },
  'two look-backs that are backed off': {
    events: [
      ...running,
      [1, backedOff('look-back', shortReach)],
      [4, backedOff('look-back', longReach)],
      [10, page, liveEnd],
    ],
    at: 10,
    ...good,
    backedOff: { 'look-back': 9 },
  },
  'two look-backs, of which the one that failed first has recovered': {
    events: [
      ...running,
      [1, backedOff('look-back', shortReach)],
      [4, backedOff('look-back', longReach)],
      [10, recovered(shortReach), page, liveEnd],
    ],
    at: 10,
    ...good,
    backedOff: { 'look-back': 6 },
  },
  'a stream that was backed off and has moved': {
    events: [...running, [1, backedOff('history', null)], [10, entered('waiting', 'running')]],
    at: 10,
    ready: true,
    level: 'idle',
  },
  'a stream that was backed off and is paused': {
    events: [...running, [1, backedOff('history', null)], [10, paused]],
    at: 10,
    ready: true,
    level: 'idle',
  },
  'a stream that was backed off and was opened again': {
    events: [...running, [1, backedOff('history', null)], [10, entered('opening', 'running'), ...opened.slice(1)]],
    at: 10,
    ...good,
  },
  'a restart in a silent week, whose look-back reads a change of yesterday again': {
    events: [[0, ...opened, published({ suppressed: 1 }, { scans, newestChange: startAt - 24 * 60 * minute })]],
    at: 0,
    ...good,
    newestChange: startAt - 24 * 60 * minute,
  },
}

test.each(Object.entries(situations))('%s', async (_, { events, at, ready, newestChange, ...expected }) => {
  const time = { now: startAt }
  const clock = { ...systemClock, now: () => time.now, monotonic: () => time.now }
  const status = replicaStatus({ clock, readyAfterMs: 2 * minute, placement: 'single' })
  status.setState('running')
  const registry = processRegistry('shops')
  scrapedMetrics(registry, { clock, version: '1', replica: 'r', status })
  const observe = status.follow('shop', polling)
  for (const [after, ...some] of events) {
    time.now = startAt + after * minute
    some.forEach(observe)
  }
  time.now = startAt + at * minute
  const { ready: isReady, streams } = status.report()
  const [stream] = streams
  mustFit('stream', JSON.stringify(stream))
  const gauges = await registry.getMetricsAsJSON()
  const values = (name: string) => gauges.find((one) => one.name === `polaris_connector_${name}`)?.values ?? []
  const labelled = (name: string, label: string) =>
    Object.fromEntries(values(name).map(({ labels, value }) => [labels[label], value]))
  const { failing, backedOff: lanes = {}, why, progress, level } = expected
  expect({
    ready: isReady,
    level: stream?.level,
    why: stream?.why,
    progress: stream?.progress,
    code: stream?.code,
  }).toEqual({
    ready,
    level,
    why,
    progress,
    code: failing,
  })
  expect(labelled('stream_failure', 'code')).toEqual(failing === undefined ? {} : { [failing]: 1 })
  expect(labelled('backed_off_seconds', 'lane')).toEqual(
    Object.fromEntries(Object.entries(lanes).map(([lane, minutes]) => [lane, minutes * 60])),
  )
  expect(values('newest_change_timestamp_seconds').map(({ value }) => value)).toEqual(
    newestChange === undefined ? [] : [newestChange / 1000],
  )
  expect(labelled('ready', 'connector')).toEqual({ shops: ready ? 1 : 0 })
})
