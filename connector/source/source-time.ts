import { HOUR_MS } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { SourceTime } from './client-source.ts'

/** No zone has ever set its clocks back further than this at once. */
const longestRepeatMs = 27 * HOUR_MS

/** Returns the wall-clock time of the zone at an instant (ms since 1970), in whole seconds, for the years 1 to 9999. */
export function wallClock(instantMs: number, zone: string): SourceTime {
  return new Date(instantMs + offsetAt(instantMs, zone)).toISOString().slice(0, 19) as SourceTime
}

/** Marks a time of the server for people: other times are in UTC, with a `Z`. */
export const serverTimeText = (time: string): string => `${time} server time`

/** Returns the earliest wall-clock text of the zone between two instants, both included. */
export function smallestReading(fromMs: number, toMs: number, zone: string): SourceTime {
  const from = Math.min(fromMs, toMs)
  // A later instant can be earlier as text only after the clocks were set back, by at most `longestRepeatMs`.
  const to = Math.min(Math.max(fromMs, toMs), from + longestRepeatMs)
  let smallest = wallClock(from, zone)
  for (let at = Math.ceil(from / QUARTER_MS) * QUARTER_MS; at <= to; at += QUARTER_MS) {
    const text = wallClock(at, zone)
    if (text < smallest) smallest = text
  }
  return smallest
}

/**
 * Returns the instant (ms since 1970) of a wall-clock text. `which` selects one of the two instants of a text in the
 * repeated hour. For a text that the clocks skipped, `earlier` uses the offset after the change and `later` the one
 * before it.
 */
export function instantOf(text: SourceTime, zone: string, which: 'earlier' | 'later'): number {
  return instantAt(Date.parse(`${text}Z`), zone, which)
}

/** Does what `instantOf` does for the text that the clocks of UTC show at this instant. */
export function instantAt(asUtc: number, zone: string, which: 'earlier' | 'later'): number {
  const before = asUtc - offsetAt(asUtc - longestRepeatMs, zone)
  const after = asUtc - offsetAt(asUtc + longestRepeatMs, zone)
  if (before === after) return before // it is fast where no change of the clocks is near
  const candidates = [before, after]
  const exact = candidates.filter((instant) => instant + offsetAt(instant, zone) === asUtc)
  const among = exact.length > 0 ? exact : candidates
  return which === 'earlier' ? Math.min(...among) : Math.max(...among)
}

export const sourceTimeText = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * Parses a configured `lastChanged`: a date, or a date and time, on the wall clock of the zone; with `Z` or an offset,
 * an instant. Drops fractions of a second. Undefined if the text is invalid.
 */
export function parseSourceTime(text: string, zone: string): SourceTime | undefined {
  const [, date, time = '00:00', seconds = '00', offset] = sourceTimeText.exec(text.trim()) ?? []
  const wall = `${date}T${time}:${seconds}`
  const asUtc = Date.parse(`${wall}Z`)
  if (date === undefined || Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wall) return undefined
  if (offset === undefined) return wall as SourceTime
  const instant = asUtc - offsetMs(offset)
  return Number.isNaN(instant) || instant < Date.parse('0001-01-02T00:00:00Z') ? undefined : wallClock(instant, zone)
}

function offsetMs(offset: string) {
  if (offset.toUpperCase() === 'Z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(-2))
  if (hours > 15 || minutes > 59) return Number.NaN
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

const token = /'([^']*)'|yyyy|MM|dd|HH|mm|ss|SSS|XXX/g
const places: Readonly<Record<string, readonly [from: number, to: number]>> = {
  yyyy: [0, 4],
  MM: [5, 7],
  dd: [8, 10],
  HH: [11, 13],
  mm: [14, 16],
  ss: [17, 19],
}

/**
 * Formats `lastChanged` for requests. The pattern consists of `yyyy MM dd HH mm ss SSS XXX` (`XXX`: offset of the zone,
 * `+01:00`), text in single quotes, and characters that are not letters. Throws `config.invalid` for other letters.
 */
export function timeFormat(pattern: string, zone: string): (text: SourceTime) => string {
  const other = /[A-Za-z']+/.exec(pattern.replaceAll(token, ' '))?.[0]
  if (other !== undefined) {
    const known = 'must be one of yyyy MM dd HH mm ss SSS XXX'
    throw new ConnectorError('config.invalid', `format of lastChanged: ${other} ${known}`)
  }
  return (text) =>
    pattern.replaceAll(token, (name, quoted?: string) => {
      const place = places[name]
      if (place !== undefined) return text.slice(...place)
      return quoted ?? (name === 'XXX' ? offsetText(text, zone) : '000')
    })
}

/**
 * Returns the offset of the zone. It uses the first instant of a text in the repeated hour: reading from there misses
 * nothing.
 */
function offsetText(text: SourceTime, zone: string) {
  const minutes = Math.trunc(offsetAt(instantOf(text, zone, 'earlier'), zone) / 60_000)
  const hours = Math.trunc(Math.abs(minutes) / 60)
  return `${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(Math.abs(minutes) % 60)}`
}

const twoDigits = (number: number) => String(number).padStart(2, '0')

/** Clocks change at full quarters of an hour only. */
const QUARTER_MS = 900_000

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** The offsets are kept by quarter of an hour. */
  readonly offsets: Map<number, number>
}

const OFFSETS_KEPT = 50_000
const zones = new Map<string, Zone>()

const formatIn = (timeZone: string) => new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })

/** Returns the offset of an IANA zone from UTC in ms, at an instant (ms since 1970, years 1 to 9999). */
export function offsetAt(instantMs: number, name: string): number {
  const zone = zones.get(name) ?? { format: formatIn(name), offsets: new Map<number, number>() }
  zones.set(name, zone)
  const { format, offsets } = zone
  const quarter = Math.floor(instantMs / QUARTER_MS)
  const known = offsets.get(quarter)
  if (known !== undefined) return known
  if (offsets.size >= OFFSETS_KEPT) offsets.clear()
  const offset = offsetIn(format.format(quarter * QUARTER_MS))
  offsets.set(quarter, offset)
  return offset
}

/** Returns the offset in a text such as `6/15/2026, GMT+02:00`. */
function offsetIn(text: string) {
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? []
  const ms = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}
