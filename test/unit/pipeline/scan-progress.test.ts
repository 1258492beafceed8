import { describe, expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import type { PageReading } from '../../../connector/pipeline/read/page-reading.ts'
import { scanProgress } from '../../../connector/pipeline/scan-progress.ts'
import { BACKFILL, FIRST_LOOK_BACK, FULL } from '../../../connector/scan/scan-state.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { backfillOf } from '../../support/scans.ts'
import { noon, scanOf, statesOf } from '../scan/scans.ts'
import { liveScan, reading } from './readings.ts'

/** Page after page of one scan, a second for each. */
function progressOf() {
  const clock = virtualClock(noon)
  const events: PipelineEvent[] = []
  const progress = scanProgress({ clock, intervalMs: 1500 }, (event) => events.push(event))
  let pages = 0
  const page = (more: Partial<PageReading>, published = 1) => {
    clock.pass(1000)
    pages = more.isFirst === true ? 1 : pages + 1
    const scan = { ...(more.scan ?? liveScan()), pages, clients: 2 * pages }
    progress(reading([{ No: '1' }, { No: '2' }], { states: statesOf(), ...more, scan }), published)
  }
  return { page, events, kinds: () => events.map(({ kind }) => kind) }
}
const first = { isFirst: true, isLast: false }
const middle = { isFirst: false, isLast: false }
const last = { isFirst: false, isLast: true }
const only = { isFirst: true, isLast: true }

describe('scanProgress', () => {
  test('reports pages, clients and duration when the first live scan ends', () => {
    const { page, events } = progressOf()
    for (const more of [first, middle, last]) page(more)
    expect(events).toEqual([{ kind: 'caught-up', clients: 6, pages: 3, tookMs: 2000 }])
  })

  test('reports caught-up once, not with every poll', () => {
    const { page, kinds } = progressOf()
    for (let poll = 0; poll < 5; poll += 1) page(only)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('reports fell-behind when a scan with changes outlasts the interval, and caught-up when it ends', () => {
    const { page, events, kinds } = progressOf()
    for (const more of [only, first, middle, middle, middle, last]) page(more)
    expect(kinds()).toEqual(['caught-up', 'fell-behind', 'caught-up'])
    expect(events.at(-1)).toMatchObject({ pages: 5, clients: 10 })
  })

  test('reports nothing when several pages per poll fit into the interval', () => {
    const { page, kinds } = progressOf()
    for (let poll = 0; poll < 5; poll += 1) for (const more of [first, middle, last]) page(more)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('does not report fell-behind when a long overlap brings nothing new', () => {
    const { page, kinds } = progressOf()
    page(only)
    for (const more of [first, middle, middle, middle, last]) page(more, 0)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('reports nothing while the backfill is not done, then that, then caught-up with the next live scan', () => {
    const { page, events } = progressOf()
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
    page({ ...only, states: statesOf({ backfill: backfillOf('first') }) })
    page({ ...only, scan: backfill })
    expect(events).toEqual([{ kind: 'scan-done', scan: 'backfill', clients: 2, pages: 1, tookMs: 2000 }])
    page(only)
    expect(events.at(-1)).toMatchObject({ kind: 'caught-up' })
  })

  test('reports the end of a full scan, but not of look-backs', () => {
    const { page, events } = progressOf()
    page({ ...only, scan: scanOf({ kind: 'look-back', tag: FIRST_LOOK_BACK }) })
    page({ ...only, scan: scanOf({ kind: 'full', tag: FULL }) })
    expect(events).toMatchObject([{ kind: 'scan-done', scan: 'full' }])
  })
})
