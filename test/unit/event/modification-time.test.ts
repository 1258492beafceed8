import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modificationTime } from '../../../connector/event/modification-time.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { instantOf } from '../../../connector/source/source-time.ts'

const zone = 'Europe/Paris'

describe('a modification time', () => {
  test.each([
    ['2026-06-15T12:00:00', '2026-06-15T10:00:00.000Z', '2026-06-15T12:00:00'],
    ['2026-06-15T12:00:00.25', '2026-06-15T10:00:00.250Z', '2026-06-15T12:00:00'],
    ['2026-06-15T12:00:00Z', '2026-06-15T12:00:00.000Z', '2026-06-15T14:00:00'],
    ['2026-06-15T12:00:00.5+0100', '2026-06-15T11:00:00.500Z', '2026-06-15T13:00:00'],
    ['15/06/2026 12:00:00', '2026-06-15T10:00:00.000Z', '2026-06-15T12:00:00'],
  ])('parses %s as an instant and as wall-clock time', (text, instant, wallClock) => {
    expect(modificationTime(text, zone)).toEqual({ instant: Date.parse(instant), wallClock, hasTimeOfDay: true })
  })

  test.each([
    '',
    '2026-13-15T12:00:00',
    '2026-02-30T12:00:00',
    '2026-06-15T24:00:00',
    '2026-06-15T12:00:60',
    '15/06/2026 12:00:60',
    // No time of a CloudEvent: it has the time when the client was read.
    '9999-12-31T23:59:59-05:00',
    '0000-01-01T00:00:00+01:00',
    '0000-01-01T00:00:00',
  ])('is undefined for "%s"', (text) => {
    expect(modificationTime(text, zone)).toBeUndefined()
  })

  test.each(['2026-06-15', '15/06/2026', '2026-06-15T00:00:00', '15/06/2026 00:00:00'])(
    'has no time of day: %s',
    (text) => {
      const instant = Date.parse('2026-06-14T22:00:00.000Z')
      expect(modificationTime(text, zone)).toEqual({ instant, wallClock: '2026-06-15T00:00:00', hasTimeOfDay: false })
    },
  )

  test('is the instant of its wall-clock text, whatever was read before, also near a change of the clocks', () => {
    const times = fc
      .date({ noInvalidDate: true, min: new Date('2026-10-22T00:00:00Z'), max: new Date('2026-10-29T00:00:00Z') })
      .map((date) => date.toISOString().slice(0, 19))
    const zones = fc.constantFrom('Europe/Paris', 'America/New_York', 'Pacific/Apia')
    fc.assert(
      fc.property(fc.array(fc.tuple(times, zones)), (read) => {
        for (const [text, zone] of read)
          expect(modificationTime(text, zone)?.instant).toBe(instantOf(text as SourceTime, zone, 'earlier'))
      }),
    )
  })
})
