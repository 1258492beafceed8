import { describe, expect, test } from 'vitest'
import { drainProgress } from '../../../connector/pipeline/drain-progress.ts'
import type { PageReading } from '../../../connector/pipeline/page-reader.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { reading } from './readings.ts'

function progressOf() {
  const clock = virtualClock(0)
  const events: PipelineEvent[] = []
  const progress = drainProgress({ clock, intervalMs: 1500 }, (event) => events.push(event))
  /** One page of two clients, a second later. */
  const page = (more: Partial<PageReading>, published = 1) => {
    clock.pass(1000)
    progress(reading([{ No: '1' }, { No: '2' }], more), published)
  }
  return { page, events, kinds: () => events.map(({ kind }) => kind) }
}
const first = { beginsDrain: true, isLastOfDrain: false }
const middle = { beginsDrain: false, isLastOfDrain: false }
const last = { beginsDrain: false, isLastOfDrain: true }
const only = { beginsDrain: true, isLastOfDrain: true }

describe('draining and caught up', () => {
  test('the first drain ends with how much it was and how long it took', () => {
    const { page, events } = progressOf()
    for (const more of [first, middle, last]) page(more)
    expect(events).toEqual([{ kind: 'caught-up', clients: 6, pages: 3, tookMs: 2000 }])
  })

  test('is told once, not with every poll', () => {
    const { page, kinds } = progressOf()
    for (let poll = 0; poll < 5; poll += 1) page(only)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('a drain that outlasts the poll interval with something to publish has fallen behind, and is told again when it is over', () => {
    const { page, events, kinds } = progressOf()
    for (const more of [only, first, middle, middle, middle, last]) page(more)
    expect(kinds()).toEqual(['caught-up', 'fell-behind', 'caught-up'])
    expect(events.at(-1)).toMatchObject({ pages: 5, clients: 10 })
  })

  test('several pages at each poll are no news while the interval is enough for them', () => {
    const { page, kinds } = progressOf()
    for (let poll = 0; poll < 5; poll += 1) for (const more of [first, middle, last]) page(more)
    expect(kinds()).toEqual(['caught-up'])
  })

  test('an overlap of several pages that brings nothing new has not', () => {
    const { page, kinds } = progressOf()
    page(only)
    for (const more of [first, middle, middle, middle, last]) page(more, 0)
    expect(kinds()).toEqual(['caught-up'])
  })
})
