import { describe, expect, test } from 'vitest'
import { progressReporter } from '../../../connector/pipeline/pipeline.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import type { PageReading } from '../../../connector/pipeline/read/reader-parts.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { historyOf } from '../../support/scans.ts'
import { noon, scanOf, statesOf } from '../scan/scans.ts'
import { liveScan, reading } from './readings.ts'

/** Page after page of one scan, a second for each. */
function progressOf() {
  const clock = virtualClock(noon)
  const events: PipelineEvent[] = []
  const progress = progressReporter({ clock, intervalMs: 1500 }, (event) => events.push(event))
  let pages = 0
  const page = ({ isFirst, ...more }: Partial<PageReading> & { isFirst: boolean }, published = 1) => {
    clock.pass(1000)
    pages = isFirst ? 1 : pages + 1
    const scan = { ...(more.scan ?? liveScan()), pages, clients: 2 * pages }
    progress(reading([{ No: '1' }, { No: '2' }], { scans: statesOf(), ...more, scan }), published)
  }
  return { page, events, kinds: () => events.map(({ kind }) => kind) }
}
const first = { isFirst: true, isLast: false }
const middle = { isFirst: false, isLast: false }
const last = { isFirst: false, isLast: true }
const only = { isFirst: true, isLast: true }

describe('progressReporter', () => {
  test('reports pages, clients and duration when the first live scan ends', () => {
    const { page, events } = progressOf()
    for (const more of [first, middle, last]) page(more)
    expect(events).toEqual([{ kind: 'caught-up', clients: 6, pages: 3 }])
  })

  test('reports fell-behind when a scan with changes outlasts the interval, and caught-up when it ends', () => {
    const { page, events, kinds } = progressOf()
    for (const more of [only, first, middle, middle, middle, last]) page(more)
    expect(kinds()).toEqual(['caught-up', 'fell-behind', 'caught-up'])
    expect(events.at(-1)).toMatchObject({ pages: 5, clients: 10 })
  })

  test('does not report fell-behind when a long overlap brings nothing new', () => {
    const { page, kinds } = progressOf()
    page(only)
    for (const more of [first, middle, middle, middle, last]) page(more, 0)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('reports nothing while the history has not ended, then that, then caught-up with the next live scan', () => {
    const { page, events } = progressOf()
    page({ ...only, scans: statesOf({ history: historyOf('first') }) })
    page({ ...only, scan: scanOf({ lane: 'history' }) })
    expect(events).toEqual([{ kind: 'history-done', clients: 2 }])
    page(only)
    expect(events.at(-1)).toMatchObject({ kind: 'caught-up' })
  })

  test('reports nothing of look-backs and catch-up', () => {
    const { page, events } = progressOf()
    for (const lane of ['look-back', 'catch-up'] as const) page({ ...only, scan: scanOf({ lane }) })
    expect(events).toEqual([])
  })
})
