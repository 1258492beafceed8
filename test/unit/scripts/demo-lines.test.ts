import { expect, it } from 'vitest'
import type { ScanStatus } from '../../../scripts/demo/connector.ts'
import {
  checkpointLine,
  countLine,
  type DemoState,
  eventLine,
  progressLine,
  statusLines,
} from '../../../scripts/demo/lines.ts'
import { connectorEnvironment, demoPlan, ownVariables } from '../../../scripts/demo/plan.ts'

const totals = { pages: 3, clients: 1234, events: 1200, deadLetters: 0, suppressed: 34, superseded: 0 }
const state: DemoState = {
  status: {
    state: 'running',
    epoch: 2,
    seq: 7,
    lastChanged: '2026-11-25T03:29:59',
    totals,
    indexClients: 5000,
  },
  events: 1200,
  eventsPerSecond: 2,
  clients: undefined,
  isCaughtUp: true,
  checkpointUrl: 'file:x',
}
const value = {
  time: '2026-11-25T02:00:00.000Z',
  data: { Nom: 'N', Prenom: 'P', Adresse: { Ville: 'V' }, NoVersion: '3' },
}
const record = { partition: 1, offset: 5n, timestamp: 0, key: '42', value, text: '', headers: {} }
const now = Date.parse('2026-11-25T02:00:01.500Z')

const backfill = { lane: 'backfill', clients: 2500 } as const
const half = `${'█'.repeat(20)}${'░'.repeat(20)}  50 %`

it('draws the progress of a backfill by the number of clients, up to 100 %', () => {
  expect(progressLine(backfill, 5000)).toBe(`backfill    ${half}  2 500 of 5 000 clients`)
  expect(progressLine({ ...backfill, clients: 5003 }, 5000)).toContain('100 %  5 003 of 5 003 clients')
})

it('shows the modification time that a backfill has reached', () => {
  expect(progressLine({ ...backfill, reached: '2026-01-03T12:00:00' }, undefined)).toBe(
    'backfill    2 500 clients up to 2026-01-03T12:00:00 server time',
  )
})

it('shows a backfill beside live changes, but no look-back', () => {
  const lookBack = { ...backfill, lane: 'look-back' } as const
  const showing = (scans: readonly ScanStatus[], isCaughtUp: boolean) =>
    statusLines({ ...state, isCaughtUp, status: { state: 'running', scans } })[0]
  expect(showing([lookBack, backfill], false)).toMatch(/^backfill/)
  expect(showing([lookBack], false)).toBe('catching up  1 200 events so far')
  expect(showing([lookBack], true)).toMatch(/^clients/)
})

it('counts clients, events, pages and events per second, and shows the checkpoint', () => {
  expect(countLine(state)).toBe('clients 1 234 (34 read again, unchanged) · events 1 200 · pages 3 · 2.0 events/s')
  expect(checkpointLine(state)).toBe(
    'checkpoint   transaction 7 of epoch 2, live scans from 2026-11-25T03:29:59 server time, 5 000 clients in the index',
  )
})

it('shows the names of invented clients, but only ids and times of real ones', () => {
  expect(eventLine(record, 'names', now)).toMatch(
    /^2026-11-25T02:00:01Z {2}client 42 {2}1\.5 s after its change .* P N, V \(version 3\)$/,
  )
  const { time, data } = record.value as { readonly time: string; readonly data: unknown }
  const binary = { ...record, value: data, headers: { ce_specversion: '1.0', ce_time: time } }
  expect(eventLine(binary, 'names', now)).toBe(eventLine(record, 'names', now))
  expect(eventLine(record, 'ids', now)).toMatch(/client 42 {2}1\.5 s after its change .*partition 1 offset 5$/)
})

it('stores the data of given servers in a separate folder', () => {
  expect(demoPlan({})).toMatchObject({ folder: '.cache/demo', checkpointUrl: 'file:.cache/demo/checkpoint' })
  const given = demoPlan({ KAFKA_BROKERS: 'k:9092', CHECKPOINT_URL: 's3://b/p' })
  expect(given.folder).toMatch(/^\.cache\/demo\/[0-9a-f]{8}$/)
  expect(given.checkpointUrl).toBe('s3://b/p')
})

it('writes the variables that it chose itself as shell text, but none that it was given', () => {
  const text = ownVariables({ KAFKA_SASL_PASSWORD: 's' }, { KAFKA_SASL_PASSWORD: 's', CONNECTOR_ID: "it's" }, '/n/node')
  expect(text).toBe(`export CONNECTOR_ID='it'\\''s'\nexport PATH='/n':"$PATH"\n`)
})

it('passes its own environment to the connector, but replaces the Polaris settings when the simulator runs', () => {
  const simulator = { url: 'http://s/', user: 'u', password: 'p' }
  const environment = { POLL_INTERVAL: '9s', POLARIS_URL: '', POLARIS_USER_FILE: '/real', POLARIS_LIMIT: '7' }
  const given = connectorEnvironment(environment, demoPlan(environment), { bootstrap: 'k:1', simulator })
  expect(given).toMatchObject({
    KAFKA_BROKERS: 'k:1',
    POLARIS_URL: 'http://s/',
    POLARIS_AUTH: 'login',
    POLL_INTERVAL: '9s',
    POLARIS_LIMIT: '7',
    POLARIS_USER_FILE: '',
  })
})
