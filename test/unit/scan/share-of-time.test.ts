import { describe, expect, test } from 'vitest'
import { workloadLog } from '../../../connector/pipeline/read/workload.ts'
import { beginScan } from '../../../connector/scan/begin-scan.ts'
import {
  BACKFILL,
  FIRST_LOOK_BACK,
  LIVE,
  type Scan,
  type ScanStates,
  scanWith,
  withoutScan,
  withScan,
} from '../../../connector/scan/scan-state.ts'
import { backgroundCandidates, nextChoice, scanName } from '../../../connector/scan/scheduler.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { backfillOf } from '../../support/scans.ts'
import { beginAt, settings as defaults, MINUTE, noon, SECOND, scanOf, statesOf, token } from './scans.ts'

interface Load {
  readonly states: ScanStates
  /** Pages of each live scan, and the time that any page takes. */
  readonly livePages: number
  readonly pageMs: number
  readonly backgroundShare?: number
}

/** Two minutes of a stream whose background scans have no end. */
function simulated({ states: from, livePages, pageMs, backgroundShare = 0.5 }: Load) {
  const clock = virtualClock(noon)
  const settings = { ...defaults, backgroundShare }
  const load = workloadLog(clock, settings)
  const spent = new Map<string, number>()
  let states = from
  let longestDelay = 0
  const read = (scan: Scan) => {
    clock.jump(pageMs)
    const name = scan.tag === LIVE ? 'live' : scanName(scan)
    spent.set(name, (spent.get(name) ?? 0) + pageMs)
    if (scan.tag === LIVE) load.livePage(pageMs)
    else load.backgroundPage(name, pageMs)
    const next = { ...scan, pages: scan.pages + 1, checkPoint: token(`${scan.pages}`) }
    states = scan.tag === LIVE && next.pages === livePages ? withoutScan(states, LIVE) : withScan(states, next)
  }
  while (clock.now() < noon + 2 * MINUTE) {
    const parts = {
      settings,
      recheck: null,
      requested: undefined,
      now: clock.monotonic(),
      load,
      times: { ours: clock.now(), server: clock.now() },
    }
    load.waiting(backgroundCandidates(states, parts))
    const choice = nextChoice(states, parts)
    if (choice.kind === 'wait') {
      clock.jump(choice.ms)
      continue
    }
    if (choice.kind === 'begin') {
      if (choice.scan.kind === 'live') {
        longestDelay = Math.max(longestDelay, clock.monotonic() - load.liveDueAt)
        load.liveBegins()
      }
      states = beginScan(states, choice.scan, { ...parts, beginAt }).states
    }
    const tag = choice.kind === 'read' ? choice.tag : choice.scan.kind === 'live' ? LIVE : undefined
    const scan = tag === undefined ? states.background.at(-1) : scanWith(states, tag)
    if (scan !== undefined) read(scan)
  }
  const total = clock.now() - noon
  const live = (spent.get('live') ?? 0) / total
  const background = [...spent].filter(([name]) => name !== 'live').map(([, ms]) => ms / total)
  return { live, background, share: background.reduce((sum, one) => sum + one, 0), longestDelay }
}

const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
const lookBacks = defaults.lookBacks.map(({ reachMs }, at) =>
  scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK + at, reachMs }),
)
const one = statesOf({ backfill: backfillOf('first'), lookBacks: [], background: [backfill] })
const two = { ...one, background: [backfill, ...lookBacks.slice(0, 1)] }
const three = { ...one, background: [backfill, ...lookBacks] }

describe('the time of background scans', () => {
  test.each([0.1, 0.5, 0.8, 1])('is at most their share (%d) when live scans are short', (backgroundShare) => {
    const { share } = simulated({ states: one, livePages: 1, pageMs: 100, backgroundShare })
    expect(share).toBeLessThanOrEqual(backgroundShare)
    expect(share).toBeGreaterThan(backgroundShare * 0.9)
  })

  test.each([0.1, 0.5, 1])(
    'is a fifth, whatever their share (%d), when live scans are always due',
    (backgroundShare) => {
      const { share, live } = simulated({ states: one, livePages: 200, pageMs: 100, backgroundShare })
      expect(share).toBeCloseTo(0.2, 2)
      expect(live).toBeCloseTo(0.8, 2)
    },
  )

  test('goes in half to the one that has waited longest when live scans are always due', () => {
    const { background } = simulated({ states: two, livePages: 200, pageMs: 100 })
    for (const share of background) expect(share).toBeCloseTo(0.1, 2)
  })

  test('goes to the one that has waited longest for a tenth of all time when live scans are short', () => {
    const { background } = simulated({ states: two, livePages: 1, pageMs: 100 })
    expect(Math.min(...background)).toBeCloseTo(0.1, 2)
  })

  test('goes to every one of three, at least a twentieth of all time', () => {
    for (const livePages of [1, 200]) {
      const { background } = simulated({ states: three, livePages, pageMs: 100 })
      expect(background).toHaveLength(3)
      expect(Math.min(...background)).toBeGreaterThan(0.05)
    }
  })

  test('never delays a live scan by more than the page in hand', () => {
    for (const pageMs of [20, 300, 2 * SECOND])
      expect(simulated({ states: three, livePages: 1, pageMs }).longestDelay).toBeLessThanOrEqual(pageMs)
  })
})
