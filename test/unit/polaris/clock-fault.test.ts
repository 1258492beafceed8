import { describe, expect, it } from 'vitest'
import { faultyClock } from '../../polaris/clock-fault.ts'

const NOON = Date.parse('2026-07-01T12:00:00Z')
const HOUR = 3_600_000
const hours = (readings: readonly number[]) => readings.map((reading) => (reading - NOON) / HOUR)

describe('a faulty clock', () => {
  it('follows the simulator when it has no fault', () => {
    expect(hours([NOON, NOON + HOUR].map(faultyClock({})))).toEqual([0, 1])
  })

  it('is wrong only in its period when it has one', () => {
    const clock = faultyClock({ skewMs: 24 * HOUR, from: NOON + HOUR, until: NOON + 2 * HOUR })
    expect(hours([NOON, NOON + HOUR, NOON + 2 * HOUR].map(clock))).toEqual([0, 25, 2])
  })

  it('is wrong for the given number of readings', () => {
    const clock = faultyClock({ skewMs: HOUR, times: 1 })
    expect(hours([NOON, NOON].map(clock))).toEqual([1, 0])
  })

  it('stands still at an instant', () => {
    expect(hours([NOON, NOON + HOUR].map(faultyClock({ stoppedAt: NOON - HOUR })))).toEqual([-1, -1])
  })

  it('shows the local time of a zone, in summer and in winter', () => {
    const winter = Date.parse('2026-12-01T12:00:00Z')
    const clock = faultyClock({ zone: 'Europe/Paris' })
    expect(hours([clock(NOON), clock(winter) - (winter - NOON)])).toEqual([2, 1])
  })
})
