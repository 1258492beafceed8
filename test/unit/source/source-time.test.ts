import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import {
  instantOf,
  parseSourceTime,
  smallestReading,
  timeFormat,
  wallClock,
} from '../../../connector/source/source-time.ts'

// Random instants in zones with odd clocks are compared with what Intl says.

const zone = fc.constantFrom(
  'Europe/Paris',
  'UTC',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Pacific/Auckland',
  'Asia/Kolkata',
  'America/St_Johns',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Indian/Reunion',
)
const modern = fc
  .integer({ min: Date.UTC(1990, 0, 1) / 1000, max: Date.UTC(2037, 0, 1) / 1000 })
  .map((seconds) => seconds * 1000)
const at = (text: string) => Date.parse(text)
const minuteMs = 60_000

const formats = new Map<string, Intl.DateTimeFormat>()
/** The wall-clock text according to Intl. */
function reading(instantMs: number, timeZone: string): string {
  const format =
    formats.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  formats.set(timeZone, format)
  return format.format(instantMs).replace(' ', 'T')
}

describe('wallClock', () => {
  test('matches Intl at any time in any zone', () => {
    fc.assert(
      fc.property(modern, zone, (instant, timeZone) => {
        expect(wallClock(instant, timeZone)).toBe(reading(instant, timeZone))
      }),
    )
  })

  test('supports old dates with unusual offsets', () => {
    expect(wallClock(at('1900-01-01T00:00:00Z'), 'Europe/Paris')).toBe('1900-01-01T00:09:21')
    expect(wallClock(at('0050-06-01T00:00:00Z'), 'UTC')).toBe('0050-06-01T00:00:00')
  })

  test('drops fractions of a second, also before 1970', () => {
    expect(wallClock(at('2024-01-31T12:45:00.999Z'), 'Europe/Paris')).toBe('2024-01-31T13:45:00')
    expect(wallClock(-1, 'UTC')).toBe('1969-12-31T23:59:59')
  })
})

describe('smallestReading', () => {
  test('is the smallest of all texts in between, in any zone', () => {
    const aroundAChange = fc.oneof(
      modern,
      fc
        .tuple(
          fc.integer({ min: 1990, max: 2036 }),
          fc.integer({ min: 0, max: 11 }),
          fc.integer({ min: -3 * 1440, max: 35 * 1440 }),
        )
        .map(([year, month, minute]) => Date.UTC(year, month, 1) + minute * minuteMs),
    )
    fc.assert(
      fc.property(aroundAChange, fc.integer({ min: 0, max: 30 * 60 * 60 }), zone, (from, seconds, timeZone) => {
        const to = from + seconds * 1000
        let smallest = [reading(from, timeZone), reading(to, timeZone)].sort()[0] ?? ''
        // Clocks change only at full quarters of an hour.
        const quarter = 15 * minuteMs
        for (let instant = Math.ceil(from / quarter) * quarter; instant <= to; instant += quarter) {
          const shown = reading(instant, timeZone)
          if (shown < smallest) smallest = shown
        }
        expect(smallestReading(from, to, timeZone)).toBe(smallest)
      }),
      { numRuns: 300 },
    )
  })
})

test('an instant a fraction of a millisecond from a change is on the correct side of it', () => {
  const back = at('2024-10-27T01:00:00Z')
  for (let ms = -2; ms < 2; ms += 0.05)
    expect(smallestReading(back - 60_000.2, back + ms, 'Europe/Paris')).toBe(
      ms >= 0 ? '2024-10-27T02:00:00' : '2024-10-27T02:58:59',
    )
})

describe('instantOf', () => {
  test('returns the instant, or the selected one for a text in the repeated hour', () => {
    fc.assert(
      fc.property(modern, zone, (instant, timeZone) => {
        const text = wallClock(instant, timeZone)
        const both = [instantOf(text, timeZone, 'earlier'), instantOf(text, timeZone, 'later')]
        expect(both).toContain(instant)
        expect(both[0]).toBeLessThanOrEqual(both[1] ?? 0)
        expect(both.map((found) => wallClock(found, timeZone))).toEqual([text, text])
      }),
    )
  })

  test('returns an instant before or after the change for a text that the clocks skipped', () => {
    const text = '2024-03-31T02:30:00' as SourceTime
    expect(instantOf(text, 'Europe/Paris', 'earlier')).toBe(at('2024-03-31T00:30:00Z'))
    expect(instantOf(text, 'Europe/Paris', 'later')).toBe(at('2024-03-31T01:30:00Z'))
  })
})

describe('parseSourceTime', () => {
  test.each([
    ['2024-01-31', '2024-01-31T00:00:00'],
    ['2024-01-31 13:45:10', '2024-01-31T13:45:10'],
    ['2024-01-31T13:45:10.9876543', '2024-01-31T13:45:10'],
    ['2024-01-31T13:45:00Z', '2024-01-31T14:45:00'],
    ['2024-01-31T23:45:00-0500', '2024-02-01T05:45:00'],
  ])('parses %s as %s in Paris', (text, expected) => {
    expect(parseSourceTime(text, 'Europe/Paris')).toBe(expected)
  })

  test.each(['', 'yesterday', '31/01/2024', '2024-02-30', '2024-01-31T25:00:00', '2024-01-31T13:45:00+25:00'])(
    'rejects "%s"',
    (text) => {
      expect(parseSourceTime(text, 'Europe/Paris')).toBeUndefined()
    },
  )
})

describe('timeFormat', () => {
  const text = '2024-01-31T13:45:06' as SourceTime
  test.each([
    ["yyyy-MM-dd'T'HH:mm:ss.SSS", '2024-01-31T13:45:06.000'],
    ["yyyy-MM-dd'T'HH:mm:ssXXX", '2024-01-31T13:45:06+01:00'],
    ['dd/MM/yyyy HH:mm:ss', '31/01/2024 13:45:06'],
    ['yyyyMMddHHmmss', '20240131134506'],
  ])('formats with the pattern %s: %s', (pattern, expected) => {
    expect(timeFormat(pattern, 'Europe/Paris')(text)).toBe(expected)
  })

  test('uses the offset of the first instant in the repeated hour, and supports negative offsets', () => {
    expect(timeFormat('XXX', 'Europe/Paris')('2024-10-27T02:30:00' as SourceTime)).toBe('+02:00')
    expect(timeFormat('XXX', 'America/St_Johns')(text)).toBe('-03:30')
  })

  test.each(['yyyy-mm-DD', "yyyy'T", 'constructor'])('rejects the pattern %s', (pattern) => {
    expect(() => timeFormat(pattern, 'UTC')).toThrow(expect.objectContaining({ code: 'config.invalid' }))
  })
})
