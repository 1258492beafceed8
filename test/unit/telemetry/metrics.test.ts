import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { warningKinds } from '../../../connector/telemetry/events/event-observers.ts'
import { counterList, type MetricEntry } from '../../../connector/telemetry/metrics.ts'
import { everyPipelineEvent, published } from '../../support/every-pipeline-event.ts'
import { polling } from '../../support/polling.ts'
import { entered, failed, reporting } from '../../support/stream-states.ts'
import { testTelemetry } from '../../support/test-telemetry.ts'

// Events are observed, and the samples of the registry are read as Prometheus reads them.

const error = new ConnectorError('publish.failed', 'connect')

function observed() {
  const time = { now: 1_000_000 }
  const clock = { ...systemClock, monotonic: () => time.now, now: () => time.now }
  const telemetry = testTelemetry({ clock })
  const samples = async () => {
    const lines = (await telemetry.registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('polaris_connector_'))
    return new Map(lines.map((line) => [shortened(line), Number(line.slice(line.lastIndexOf(' ')))]))
  }
  return { ...telemetry, time, samples }
}

const shortened = (line: string) =>
  line
    .slice(0, line.lastIndexOf(' '))
    .replace('polaris_connector_', '')
    .replace(/,connector="shops"|connector="shops",?/, '')

test('each event updates its metrics', async () => {
  const { observe, samples } = observed()
  const shop = reporting(observe('shop', polling))
  for (const event of everyPipelineEvent(error)) shop(event)
  const found = Object.fromEntries(await samples())
  expect(found).toMatchObject({
    'pages_total{stream="shop",lane="live"}': 1,
    'pages_total{stream="shop",lane="catch-up"}': 0,
    'clients_total{stream="shop"}': 100,
    'events_total{stream="shop",lane="live"}': 188,
    'events_total{stream="shop",lane="look-back"}': 2,
    'events_total{stream="shop",lane="history"}': 0,
    'dead_letters_total{stream="shop"}': 3,
    'suppressed_total{stream="shop"}': 6,
    'superseded_total{stream="shop",lane="look-back"}': 1,
    'responses_total{status="200"}': 1,
    'replaced_characters_total{stream="shop"}': 3,
    'failures_total{code="source.unreachable"}': 1,
    'failures_total{code="publish.failed"}': 4,
    'take_overs_total{stream="shop"}': 1,
    'read_duration_seconds_sum{stream="shop"}': 0.12,
    'read_duration_seconds_bucket{le="0.5",stream="shop"}': 1,
    'read_duration_seconds_bucket{le="0.1",stream="shop"}': 0,
    'publish_duration_seconds_sum{stream="shop"}': 0.03,
    'change_delay_seconds_sum{stream="shop"}': 45,
    'change_delay_seconds_bucket{le="10",stream="shop"}': 1,
  })
})

test.each(warningKinds)('counts the warning %s by kind', async (kind) => {
  const { observe, samples } = observed()
  const shop = reporting(observe('shop', polling))
  for (const event of everyPipelineEvent(error)) if (event.kind === kind) shop(event)
  expect((await samples()).get(`warnings_total{kind="${kind}"}`)).toBe(1)
})

const claimed: PipelineEvent = { kind: 'stream-claimed', epoch: 1, seq: 0, history: 'first', isNew: true, nextEvent: 0 }

test('last_live_scan_timestamp_seconds is the start, then the last complete live scan', async () => {
  const { observe, samples, time } = observed()
  const shop = reporting(observe('shop', polling))
  const last = async () => (await samples()).get('last_live_scan_timestamp_seconds{stream="shop"}')
  const delivered = (hasLiveEnd: boolean) => shop(published({}, { hasLiveEnd }))
  shop(entered('opening'))
  delivered(false)
  time.now += 2000
  expect(await last()).toBe(1000)
  delivered(true)
  time.now += 1000
  delivered(false)
  expect(await last()).toBe(1002)
})

test('shows the newest change that was published', async () => {
  const { observe, samples } = observed()
  const shop = reporting(observe('shop', polling))
  const found = async () => (await samples()).get('newest_change_timestamp_seconds{stream="shop"}')
  for (const event of [entered('opening'), claimed, published()]) shop(event)
  expect(await found()).toBeUndefined()
  for (const newestChange of [1_700_000_000_500, 1_600_000_000_000, undefined]) shop(published({}, { newestChange }))
  expect(await found()).toBe(1_700_000_000.5)
})

test('a stream has exactly one state, and no times when it runs elsewhere', async () => {
  const { observe, samples } = observed()
  const shop = reporting(observe('shop', polling))
  const states = async () =>
    [...(await samples())]
      .filter(([name, value]) => name.startsWith('stream_state') && value === 1)
      .map(([name]) => name)
  expect(await states()).toEqual(['stream_state{stream="shop",state="waiting"}'])
  shop(entered('opening'))
  expect(await states()).toEqual(['stream_state{stream="shop",state="opening"}'])
  shop(claimed)
  expect(await states()).toEqual(['stream_state{stream="shop",state="running"}'])
  shop(failed('retrying', error, { kind: 'fenced' }))
  expect(await states()).toEqual(['stream_state{stream="shop",state="retrying"}'])
  shop(entered('waiting'))
  expect(await states()).toEqual(['stream_state{stream="shop",state="waiting"}'])
  expect(
    [...(await samples()).keys()].filter((name) =>
      /^(last_|newest_|index_clients|backed_off|stream_failure)/.test(name),
    ),
  ).toEqual([])
})

test('every counter with fixed labels exists from the start at 0, for each stream of its own', async () => {
  const { observe, samples } = observed()
  const before = await samples()
  const shop = reporting(observe('shop', polling))
  observe('other', polling)
  const found = await samples()
  const named = (name: string) => [...found].filter(([key]) => key.startsWith(`${name}{`))
  for (const { name, labels } of Object.values<MetricEntry>(counterList)) {
    const values = 'kind' in labels ? [warningKinds] : Object.values(labels).filter((fixed) => fixed !== 'any')
    const streams = 'stream' in labels ? 2 : 1
    const expected = 'status' in labels ? 0 : streams * values.reduce((product, { length }) => product * length, 1)
    expect(named(name.replace('polaris_connector_', '')), name).toHaveLength(expected)
  }
  expect(before.get('failures_total{code="publish.fenced"}')).toBe(0)
  expect(found.get('events_total{stream="other",lane="catch-up"}')).toBe(0)
  shop({ kind: 'page-read', scan: 'live', clients: 4, limit: 100, bytes: 1, tookMs: 1 })
  expect((await samples()).get('clients_total{stream="shop"}')).toBe(4)
  expect((await samples()).get('clients_total{stream="other"}')).toBe(0)
})

test('every series has the connector label, those of the process too, on a separate registry', async () => {
  const { registry, observe } = observed()
  observe('shop', polling)
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(lines.every((line) => line.includes('connector="shops"'))).toBe(true)
  const names = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']
  for (const name of names) expect(lines.some((line) => line.startsWith(name))).toBe(true)
  expect(registry).toBeInstanceOf(Registry)
  expect(await new Registry().metrics()).toBe('\n')
})
