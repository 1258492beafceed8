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

const totals = { pages: 3, clients: 1234, events: 1200, deadLetters: 0, suppressed: 34, superseded: 0 }
const status = {
  state: 'running',
  epoch: 2,
  seq: 7,
  lastChanged: '2026-11-25T03:29:59',
  totals,
  indexClients: 5000,
}
const state: DemoState = { status, events: 1200, clients: 5000, isCaughtUp: true }
const history = { lane: 'history', clients: 2500 } as const

it('draws the progress of a history by the number of clients, up to 100 %', () => {
  const half = `${'█'.repeat(20)}${'░'.repeat(20)}  50 %`
  expect(progressLine(history, 5000)).toBe(`history     ${half}  2 500 of 5 000 clients`)
  expect(progressLine({ ...history, clients: 5003 }, 5000)).toContain('100 %  5 003 of 5 003 clients')
})

it('shows a history beside live changes, but no look-back', () => {
  const lookBack = { ...history, lane: 'look-back' } as const
  const showing = (scans: readonly ScanStatus[], isCaughtUp: boolean) =>
    statusLines({ ...state, isCaughtUp, status: { state: 'running', scans } })[0]
  expect(showing([lookBack, history], false)).toMatch(/^history/)
  expect(showing([lookBack], false)).toBe('catching up  1 200 events so far')
  expect(showing([lookBack], true)).toMatch(/^clients/)
})

it('counts clients, events and pages, and shows the checkpoint and each event', () => {
  expect(countLine(status, 1200)).toBe('clients 1 234 (34 read again, unchanged) · events 1 200 · pages 3')
  expect(checkpointLine(status)).toBe(
    'checkpoint   transaction 7 of epoch 2, live scans from 2026-11-25T03:29:59 server time, 5 000 clients in the index',
  )
  const value = { time: '2026-11-25T02:00:00.000Z', data: { Nom: 'N', Prenom: 'P', NoVersion: 3 } }
  const record = { partition: 1, offset: 5n, timestamp: 0, key: '42', value, text: '', headers: {} }
  expect(eventLine(record, Date.parse('2026-11-25T02:00:01.500Z'))).toMatch(
    /^2026-11-25T02:00:01Z {2}client 42 {2}1\.5 s after its change .*partition 1 offset 5 .* P N \(version 3\)$/,
  )
})
