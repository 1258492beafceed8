import { describe, expect, test } from 'vitest'
import { modificationTime } from '../../../connector/event/modification-time.ts'
import { noTimes, orderWatch, positionOf, resumeTime, type ScanOrder } from '../../../connector/scan/scan-order.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import { DAY, HOUR, MINUTE, noon, provenUpTo, SECOND, settings } from './scans.ts'

const { timeZone } = settings
const textAt = (instant: number) => wallClock(instant, timeZone)

/** The order after these pages, of a scan that began at noon. */
function orderOf(pages: readonly (readonly string[])[], from: ScanOrder = noTimes, startedAt = noon): ScanOrder {
  const watch = orderWatch(from, settings)
  for (const page of pages) {
    for (const text of page) {
      const modified = modificationTime(text, timeZone)
      if (modified !== undefined) watch.add(modified, startedAt)
    }
    watch.endPage()
  }
  return watch.order()
}

const rising = (count: number, at = noon - DAY) =>
  Array.from({ length: count }, (_, index) => textAt(at + index * MINUTE))
const inPages = (times: readonly string[], size = 10) =>
  Array.from({ length: Math.ceil(times.length / size) }, (_, page) => times.slice(page * size, (page + 1) * size))

describe('times that rise', () => {
  test('prove an order once there are a hundred of them, up to the page before the last', () => {
    const times = rising(110)
    expect(resumeTime(orderOf(inPages(times.slice(0, 99))))).toBeNull()
    expect(resumeTime(orderOf(inPages(times.slice(0, 100))))).toBe(times[89])
    expect(resumeTime(orderOf(inPages(times)))).toBe(times[99])
    expect(positionOf(orderOf(inPages(times)))).toBe(times[109])
  })

  test('prove nothing when they are few values, however many clients have them', () => {
    const days = inPages(
      Array.from({ length: 5_000 }, (_, index) => textAt(noon - DAY * (90 - Math.floor(index / 60)))),
    )
    expect(resumeTime(orderOf(days))).toBeNull()
  })

  test('are counted on after a restart', () => {
    const pages = inPages(rising(100))
    const stored = orderOf(pages.slice(0, 5))
    expect(orderOf(pages.slice(5), stored)).toEqual(orderOf(pages))
  })

  test('may be as much lower as the overlap', () => {
    const pages = inPages([...rising(100), textAt(noon - DAY + 99 * MINUTE - 15 * SECOND)])
    expect(resumeTime(orderOf(pages))).not.toBeNull()
  })
})

describe('times that decrease', () => {
  test.each([
    ['within a page', (lower: string) => [[...rising(120), lower]]],
    ['from one page to the next', (lower: string) => [...inPages(rising(120)), [lower]]],
    ['several pages later', (lower: string) => [...inPages(rising(120)), [], ['unknown'], [lower]]],
  ])('prove that there is no order: %s', (_where, pages) => {
    const lower = textAt(noon - DAY + 119 * MINUTE - 16 * SECOND)
    expect(orderOf(pages(lower))).toEqual({ kind: 'unordered' })
  })

  test('decide for good', () => {
    expect(orderOf(inPages(rising(200)), { kind: 'unordered' })).toEqual({ kind: 'unordered' })
  })

  test('decide after a restart, too', () => {
    expect(orderOf([[textAt(noon - 2 * HOUR)]], provenUpTo(textAt(noon - HOUR)))).toEqual({ kind: 'unordered' })
  })
})

describe('times after the start of the scan, minus the overlap', () => {
  test('are left out: a client that changed while it was read is no position', () => {
    const times = rising(110)
    const pages = inPages(times).map((page) => [...page, textAt(noon - 5 * SECOND), textAt(noon + HOUR)])
    expect(orderOf(pages)).toEqual(orderOf(inPages(times)))
  })

  test('of a client on the last page with times are never a position, whatever the clocks say', () => {
    const clockAhead = noon + HOUR
    const pages = [...inPages(rising(110)), [textAt(noon)], []]
    expect(resumeTime(orderOf(pages, noTimes, clockAhead))).toBe(rising(110).at(-1))
  })
})

describe('in the repeated hour of autumn', () => {
  const first = Date.parse('2026-10-25T00:00:00Z')
  const nextDay = first + DAY

  test('times that are an hour lower are not decreasing', () => {
    const twice = [...rising(60, first), ...rising(60, first + HOUR), ...rising(60, first + 2 * HOUR)]
    expect(resumeTime(orderOf(inPages(twice), noTimes, nextDay))).toBe('2026-10-25T03:49:00')
  })

  test('times that are lower by more than an hour are', () => {
    const pages = [rising(120, first), [textAt(first - MINUTE)]]
    expect(orderOf(pages, noTimes, nextDay)).toEqual({ kind: 'unordered' })
  })
})
