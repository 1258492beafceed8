import { describe, expect, test } from 'vitest'
import { newScans, type Scan } from '../../../connector/scan/scan-state.ts'
import { lookBackReports, scanReports, watchedScans } from '../../../connector/telemetry/scan-status.ts'
import { backfill } from '../../support/every-pipeline-event.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { polling } from '../../support/polling.ts'
import { provenUpTo } from '../scan/scans.ts'

const start = Date.parse('2026-01-11T00:00:00+01:00')
const scanning = (more: Partial<Scan>) => ({ ...newScans, background: [{ ...backfill, ...more }] })

describe('the report of a scan', () => {
  test('has the clients read, the position in time and the share done when the modification time is mapped', () => {
    const clock = virtualClock(start)
    const watched = watchedScans(undefined, scanning({ order: provenUpTo('2026-01-03T12:00:00') }), 0)
    expect(scanReports(watched, polling, clock)).toEqual([
      {
        scan: 'backfill',
        from: '2026-01-01T00:00:00',
        pages: 2,
        clients: 200,
        clientsPerSecond: 0,
        position: '2026-01-03T12:00:00',
        donePercent: 25,
      },
    ])
  })

  test('has no position when the modification time is not mapped', () => {
    const [report] = scanReports(watchedScans(undefined, scanning({}), 0), polling, virtualClock(start))
    expect(report).toMatchObject({ clients: 200 })
    expect(report).not.toHaveProperty('position')
    expect(report).not.toHaveProperty('donePercent')
  })

  test('has the rate since this replica runs the scan, also when it resumes one', () => {
    const clock = virtualClock(start)
    const first = watchedScans(undefined, scanning({}), clock.monotonic())
    clock.pass(10_000)
    const watched = watchedScans(first, scanning({ clients: 325 }), clock.monotonic())
    expect(scanReports(watched, polling, clock)).toMatchObject([{ clients: 325, clientsPerSecond: 12.5 }])
  })

  test('starts again at 0 when another scan of the same kind begins', () => {
    const clock = virtualClock(start)
    const first = watchedScans(undefined, scanning({ clients: 5000 }), clock.monotonic())
    clock.pass(10_000)
    const next = watchedScans(first, scanning({ startedAt: 7, clients: 0 }), clock.monotonic())
    clock.pass(10_000)
    const watched = watchedScans(next, scanning({ startedAt: 7, clients: 100 }), clock.monotonic())
    expect(scanReports(watched, polling, clock)).toMatchObject([{ clientsPerSecond: 10 }])
  })

  test('shows for how long a scan is paused', () => {
    const clock = virtualClock(start)
    const watched = watchedScans(undefined, scanning({ notBefore: start + 60_000 }), 0)
    expect(scanReports(watched, polling, clock)).toMatchObject([{ pausedSeconds: 60 }])
    clock.pass(60_000)
    expect(scanReports(watched, polling, clock)[0]).not.toHaveProperty('pausedSeconds')
  })
})

test('the report of a look-back shows when it is due, and whether it does not keep up', () => {
  const clock = virtualClock(start)
  const states = { ...newScans, lookBacks: [{ reachMs: 300_000, startedAt: start, dueAt: start + 60_000 }] }
  const watched = watchedScans(undefined, states, 0)
  expect(lookBackReports(watched, polling, clock)).toEqual([{ reachSeconds: 300, dueInSeconds: 60, isBehind: false }])
  clock.pass(661_000)
  expect(lookBackReports(watched, polling, clock)).toEqual([{ reachSeconds: 300, dueInSeconds: -601, isBehind: true }])
})
