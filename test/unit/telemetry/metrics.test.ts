import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { describeMetrics } from '../../../connector/telemetry/metric-list.ts'
import { telemetry } from '../../../connector/telemetry/telemetry.ts'
import { everyPipelineEvent } from '../../support/every-pipeline-event.ts'

const error = new ConnectorError('publish.unreachable', 'connect')

function observed() {
  const time = { now: 1_000_000 }
  const told = telemetry({
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    level: 'silent',
    out: { write: () => {} },
    clock: { ...systemClock, monotonic: () => time.now },
    readyAfterMs: 300_000,
    placement: 'group',
  })
  const samples = async () => {
    const lines = (await told.registry.metrics()).split('\n').filter((line) => line.startsWith('polaris_connector_'))
    return new Map(lines.map((line) => [shortened(line), Number(line.slice(line.lastIndexOf(' ')))]))
  }
  return { ...told, time, samples }
}

const shortened = (line: string) =>
  line
    .slice(0, line.lastIndexOf(' '))
    .replace('polaris_connector_', '')
    .replace(/,connector="shops"|connector="shops",?/, '')

test('every event moves its metrics, labelled by stream and code', async () => {
  const { observe, samples } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  for (const event of everyPipelineEvent(error)) shop(event)
  const found = Object.fromEntries(await samples())
  expect(found).toMatchObject({
    'pages_total{stream="shop"}': 1,
    'empty_pages_total{stream="shop"}': 0,
    'clients_total{stream="shop"}': 100,
    'events_total{stream="shop"}': 190,
    'dead_letters_total{stream="shop"}': 3,
    'suppressed_total{stream="shop"}': 7,
    'transactions_total{stream="shop"}': 1,
    'drains_total{stream="shop"}': 1,
    'read_bytes_total{stream="shop"}': 87_000,
    'published_bytes_total{stream="shop"}': 160_000,
    'checkpoint_saves_total{stream="shop"}': 1,
    'checkpoint_bytes{stream="shop"}': 2048,
    'window_overflow_total{stream="shop"}': 12,
    'read_retries_total{stream="shop",code="source.timeout"}': 1,
    'reopenings_total{stream="shop",code="publish.unreachable"}': 1,
    'stops_total{stream="shop",code="checkpoint.damaged"}': 1,
    'openings_total{stream="shop"}': 1,
    'take_overs_total{stream="shop"}': 1,
    'losses_total{stream="shop"}': 1,
    'refused_check_points_total{stream="shop"}': 1,
    'read_duration_seconds_sum{stream="shop"}': 0.12,
    'read_duration_seconds_bucket{le="0.25",stream="shop"}': 1,
    'read_duration_seconds_bucket{le="0.1",stream="shop"}': 0,
    'publish_duration_seconds_sum{stream="shop"}': 0.03,
    'lateness_seconds_sum{stream="shop"}': 4,
    'last_lateness_seconds{stream="shop"}': 4,
  })
})

test.each([
  'setting-ignored',
  'source-moved',
  'partitions-grown',
  'list-ambiguous',
  'lateness-high',
  'server-clock-missing',
  'fields-keep-changing',
] as const)('the warning %s is counted by its kind', async (kind) => {
  const { observe, samples } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  for (const event of everyPipelineEvent(error)) if (event.kind === kind) shop(event)
  expect((await samples()).get(`warnings_total{stream="shop",kind="${kind}"}`)).toBe(1)
})

test('a page without clients is told apart: an idle stream counts empty pages', async () => {
  const { observe, samples } = observed()
  observe('shop', { pollIntervalMs: 5000 })({ kind: 'page-read', clients: 0, bytes: 80, tookMs: 5 })
  expect((await samples()).get('empty_pages_total{stream="shop"}')).toBe(1)
})

test('a group with nothing to publish is no transaction and has no duration', async () => {
  const { observe, samples } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  const nothing = { pages: 1, events: 0, deadLetters: 0, suppressed: 9, bytes: 0, tookMs: 1, seq: 3 }
  shop({ kind: 'group-published', ...nothing })
  expect((await samples()).get('suppressed_total{stream="shop"}')).toBe(9)
  expect((await samples()).get('transactions_total{stream="shop"}')).toBe(0)
  expect((await samples()).has('publish_duration_seconds_count{stream="shop"}')).toBe(false)
})

const claimed: PipelineEvent = {
  kind: 'stream-claimed',
  epoch: 1,
  seq: 0,
  lastChanged: '2026-01-01T00:00:00',
  isNew: true,
  events: 0,
}

test('ages are computed when somebody asks', async () => {
  const { observe, samples, time } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  shop({ kind: 'stream-opening' })
  time.now += 3000
  expect((await samples()).get('seconds_since_good_poll{stream="shop"}')).toBe(3)
  expect((await samples()).has('checkpoint_age_seconds{stream="shop"}')).toBe(false)
  shop(claimed)
  shop({ kind: 'page-read', clients: 1, bytes: 1, tookMs: 1 })
  time.now += 1500
  expect((await samples()).get('seconds_since_good_poll{stream="shop"}')).toBe(1.5)
  expect((await samples()).get('checkpoint_age_seconds{stream="shop"}')).toBe(1.5)
  shop({ kind: 'checkpoint-saved', bytes: 100 })
  expect((await samples()).get('checkpoint_age_seconds{stream="shop"}')).toBe(0)
  time.now += 1000
  const group = { pages: 1, events: 0, deadLetters: 0, suppressed: 9, bytes: 0, tookMs: 1, seq: 3 }
  shop({ kind: 'group-published', ...group })
  expect((await samples()).get('checkpoint_age_seconds{stream="shop"}')).toBe(1)
  shop({ kind: 'group-published', ...group, events: 1 })
  expect((await samples()).get('checkpoint_age_seconds{stream="shop"}')).toBe(0)
})

test('the drain state is 0 while draining and 1 once caught up, back and forth', async () => {
  const { observe, samples } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  const state = async () => (await samples()).get('caught_up{stream="shop"}')
  expect(await state()).toBeUndefined()
  shop({ kind: 'stream-opening' })
  shop(claimed)
  expect(await state()).toBe(0)
  shop({ kind: 'caught-up', clients: 1, pages: 1, tookMs: 1 })
  expect(await state()).toBe(1)
  shop({ kind: 'fell-behind' })
  expect(await state()).toBe(0)
})

test('a stream has exactly one state, and no ages here once it runs elsewhere', async () => {
  const { observe, samples } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  const states = async () =>
    [...(await samples())]
      .filter(([name, value]) => name.startsWith('stream_state') && value === 1)
      .map(([name]) => name)
  expect(await states()).toEqual(['stream_state{stream="shop",state="waiting"}'])
  shop({ kind: 'stream-opening' })
  expect(await states()).toEqual(['stream_state{stream="shop",state="opening"}'])
  shop(claimed)
  expect(await states()).toEqual(['stream_state{stream="shop",state="running"}'])
  shop({ kind: 'stream-lost', error, wasStopping: false })
  expect(await states()).toEqual(['stream_state{stream="shop",state="lost"}'])
  expect(
    [...(await samples()).keys()].filter((name) => /^(seconds_since|checkpoint_age|caught_up)/.test(name)),
  ).toEqual([])
})

test('a stopped stream keeps ageing, so that an alert on the age finds it too', async () => {
  const { observe, samples, time } = observed()
  const shop = observe('shop', { pollIntervalMs: 5000 })
  for (const event of [{ kind: 'stream-opening' } as const, claimed]) shop(event)
  shop({ kind: 'stream-stopped', code: 'source.mapping', error })
  time.now += 60_000
  expect((await samples()).get('seconds_since_good_poll{stream="shop"}')).toBe(60)
})

test('counters exist from the start, so that a rate begins at zero, and streams are counted apart', async () => {
  const { observe, samples } = observed()
  const [shop] = [observe('shop', { pollIntervalMs: 5000 }), observe('other', { pollIntervalMs: 5000 })]
  shop({ kind: 'page-read', clients: 4, bytes: 1, tookMs: 1 })
  expect((await samples()).get('clients_total{stream="shop"}')).toBe(4)
  expect((await samples()).get('clients_total{stream="other"}')).toBe(0)
})

test('every series bears the connector, those of the process too, on a registry of its own', async () => {
  const { registry, observe } = observed()
  observe('shop', { pollIntervalMs: 5000 })
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(lines.every((line) => line.includes('connector="shops"'))).toBe(true)
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    expect(lines.some((line) => line.startsWith(name))).toBe(true)
  }
  expect(registry).toBeInstanceOf(Registry)
  expect(await new Registry().metrics()).toBe('\n')
})

test('readiness and what runs are metrics too', async () => {
  const { samples, replicaIs } = observed()
  expect((await samples()).get('ready{}')).toBe(0)
  replicaIs('running')
  expect((await samples()).get('ready{}')).toBe(1)
  expect((await samples()).get('build_info{version="1.2.3",replica="r-1"}')).toBe(1)
})

test('the reference names every metric of the registry with its type and meaning', async () => {
  const { registry } = observed()
  const table = describeMetrics()
  const own = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('polaris_connector_'))
  for (const { name, type, help } of own) {
    const row = table.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
    expect(row).toContain(String(type))
    expect(row).toContain(help)
  }
  expect(table.trim().split('\n')).toHaveLength(own.length + 2)
})

test('names say their unit and counters end in _total', async () => {
  const { registry } = observed()
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    if (!name.startsWith('polaris_connector_')) continue
    expect(name).toMatch(/^[a-z_]+$/)
    expect(name.endsWith('_total')).toBe(String(type) === 'counter')
  }
})
