import { expect, it } from 'vitest'
import { checkpointLine, countLine, type DemoState, eventLine, progressLine } from '../../../scripts/demo/lines.ts'
import { connectorEnvironment, demoPlan } from '../../../scripts/demo/plan.ts'

const totals = { pages: 3, clients: 1234, events: 1200, deadLetters: 0, suppressed: 34 }
const state: DemoState = {
  status: { state: 'running', epoch: 2, seq: 7, lastChanged: '2026-11-25T03:29:59', checkpointAgeSeconds: 1.4, totals },
  events: 1200,
  eventsPerSecond: 2,
  drain: undefined,
  checkpointUrl: 'file:x',
}
const value = {
  time: '2026-11-25T02:00:00.000Z',
  data: { Nom: 'N', Prenom: 'P', Adresse: { Ville: 'V' }, NoVersion: '3' },
}
const record = { partition: 1, offset: 5n, timestamp: 0, key: '42', value, text: '', headers: {} }
const now = Date.parse('2026-11-25T02:00:01.500Z')

it('draws how far the first drain is, and never more than all of it', () => {
  expect(progressLine(2500, 5000)).toBe(`first drain  ${'█'.repeat(20)}${'░'.repeat(20)}  50 %  2 500 of 5 000 clients`)
  expect(progressLine(5003, 5000)).toContain('100 %')
  expect(progressLine(7, undefined)).toBe('catching up  7 events until now')
})

it('counts clients, events, pages and events per second, and shows the checkpoint', () => {
  expect(countLine(state)).toBe('clients 1 234 (34 read again unchanged) · events 1 200 · pages 3 · 2.0 events/s')
  expect(checkpointLine(state)).toBe('checkpoint   transaction 7 of epoch 2, lastChanged 2026-11-25T03:29:59, 1 s old')
})

it('shows names of invented clients, and only id and times of real ones', () => {
  expect(eventLine(record, 'names', now)).toMatch(/client 42 {2}1\.5 s after its change .* P N, V \(version 3\)$/)
  expect(eventLine(record, 'ids', now)).toMatch(/client 42 {2}1\.5 s after its change .*partition 1 offset 5$/)
})

it('keeps what belongs to given servers in a folder of its own', () => {
  expect(demoPlan({})).toMatchObject({ folder: '.cache/demo', checkpointUrl: 'file:.cache/demo/checkpoint' })
  const given = demoPlan({ KAFKA_BROKERS: 'k:9092', CHECKPOINT_URL: 's3://b/p' })
  expect(given.folder).toMatch(/^\.cache\/demo\/[0-9a-f]{8}$/)
  expect(given.checkpointUrl).toBe('s3://b/p')
})

it('gives the connector what was given to the demo, and the simulator when it runs here', () => {
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
