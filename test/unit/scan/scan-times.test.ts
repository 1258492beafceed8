import { describe, expect, test } from 'vitest'
import { modificationTime } from '../../../connector/event/modification-time.ts'
import { noTimes, type ScanTimes } from '../../../connector/scan/scan-state.ts'
import { resumeTime, timesAfter } from '../../../connector/scan/scan-step.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import { DAY, MINUTE, noon, orderedUpTo, settings } from './scans.ts'

const { timeZone } = settings
const textAt = (instant: number) => wallClock(instant, timeZone)
const rising = (count: number, from = noon - DAY) =>
  Array.from({ length: count }, (_, index) => textAt(from + index * MINUTE))
/** The times after a page with these texts, of a scan that began at noon. */
const timesOf = (texts: readonly string[], times: ScanTimes = noTimes) =>
  timesAfter(
    times,
    texts.map((text) => ({ modified: modificationTime(text, timeZone) })),
    noon,
  )

describe('a scan may resume', () => {
  test('at its last time once a hundred distinct ones have never decreased, over several pages', () => {
    const times = rising(100)
    expect(resumeTime(timesOf(times.slice(0, 99)))).toBeNull()
    expect(resumeTime(timesOf(times.slice(40), timesOf(times.slice(0, 40))))).toBe(times[99])
  })

  test('not when they are few, however many clients have them', () => {
    expect(resumeTime(timesOf(rising(99).flatMap((time) => Array<string>(50).fill(time))))).toBeNull()
  })

  test('never again once a time has decreased, by a second only', () => {
    const [last = ''] = rising(1, noon - DAY + 119 * MINUTE - 1_000)
    expect(timesOf([last], timesOf(rising(120)))).toBeNull()
    expect(timesOf(rising(200), null)).toBeNull()
    expect(timesOf([textAt(noon - 2 * DAY)], orderedUpTo('2026-06-15T11:00:00'))).toBeNull()
  })

  test('without the times after its start: a client that changed while it was read is no place', () => {
    const times = rising(110)
    expect(timesOf(times.flatMap((time) => [time, textAt(noon + MINUTE)]))).toEqual(timesOf(times))
  })

  test('not by dates, nor by times that cannot be read', () => {
    const days = Array.from({ length: 200 }, (_, day) => textAt(noon - (300 - day) * DAY).slice(0, 10))
    expect(timesOf(days)).toEqual(noTimes)
    expect(timesOf(['unknown', ''])).toEqual(noTimes)
  })
})
