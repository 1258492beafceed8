import { ConnectorError } from '../runtime/connector-error.ts'
import type { SourceTime } from './client-source.ts'
import { offsetAt } from './zone-offset.ts'

const dayMs = 86_400_000
/** More than any zone ever put its clocks back at once. */
const longestRepeatMs = 27 * 3_600_000

/** What the clocks of the zone show at an instant (ms since 1970), whole seconds. For the years 1 to 9999. */
export function wallClock(instantMs: number, zone: string): SourceTime {
  return new Date(instantMs + offsetAt(instantMs, zone)).toISOString().slice(0, 19) as SourceTime
}

/** The one that reads smaller. */
export function earlierOf(left: SourceTime, right: SourceTime): SourceTime {
  return right < left ? right : left
}

/** The smallest text that the clocks of the zone show between two instants, both included. */
export function smallestReading(fromMs: number, toMs: number, zone: string): SourceTime {
  const [from, to] = fromMs <= toMs ? [fromMs, toMs] : [toMs, fromMs]
  // A later instant reads smaller only after clocks were put back, by at most the longest repeat.
  const instants = [from, ...putBacks(from, Math.min(to, from + longestRepeatMs), zone)]
  const [smallest = wallClock(from, zone)] = instants.map((instant) => wallClock(instant, zone)).sort()
  return smallest
}

/** Whether the clocks of the zone were put back after the first instant and not after the second. */
export function hasAutumnChange(fromMs: number, toMs: number, zone: string): boolean {
  return !putBacks(fromMs, toMs, zone).next().done
}

/** The first instants after each time the clocks were put back, in (from, to]; whole milliseconds. */
function* putBacks(fromMs: number, toMs: number, zone: string): Generator<number, undefined> {
  const last = Math.floor(toMs)
  for (let start = Math.floor(fromMs); start < last; start += dayMs) {
    const end = Math.min(start + dayMs, last)
    const change = changeWithin(start, end, zone)
    if (change !== undefined && offsetAt(change, zone) < offsetAt(change - 1, zone)) yield change
  }
}

/** The instant in (start, end] from which the offset of `end` holds; undefined when both ends have the same. */
function changeWithin(start: number, end: number, zone: string): number | undefined {
  const after = offsetAt(end, zone)
  if (offsetAt(start, zone) === after) return undefined
  let [before, from] = [start, end]
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (offsetAt(middle, zone) === after) from = middle
    else before = middle
  }
  return from
}

/**
 * The instant (ms since 1970) at which the clocks of the zone show the text. Shown twice: the one asked for. Never shown (clocks put
 * forward): as if they had been put forward only afterwards (`later`) or already before (`earlier`).
 */
export function instantOf(text: SourceTime, zone: string, which: 'earlier' | 'later'): number {
  const asUtc = Date.parse(`${text}Z`)
  const candidates = [asUtc - offsetAt(asUtc - longestRepeatMs, zone), asUtc - offsetAt(asUtc + longestRepeatMs, zone)]
  const shown = candidates.filter((instant) => instant + offsetAt(instant, zone) === asUtc)
  const among = shown.length > 0 ? shown : candidates
  return which === 'earlier' ? Math.min(...among) : Math.max(...among)
}

const configured = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * A configured `lastChanged`: a date, or date and time, as the clocks of the zone show it; with `Z` or an offset, an instant. Fractions
 * of a second are cut off. Undefined when it is none of these.
 */
export function parseSourceTime(text: string, zone: string): SourceTime | undefined {
  const [, date, time = '00:00', seconds = '00', offset] = configured.exec(text.trim()) ?? []
  const wall = `${date}T${time}:${seconds}`
  const asUtc = Date.parse(`${wall}Z`)
  if (date === undefined || Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wall) return undefined
  if (offset === undefined) return wall as SourceTime
  const instant = asUtc - offsetMs(offset)
  return Number.isNaN(instant) || instant < Date.parse('0001-01-02T00:00:00Z') ? undefined : wallClock(instant, zone)
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))]
  if (hours > 15 || minutes > 59) return Number.NaN
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

type Part = (text: SourceTime, zone: string) => string

const tokens: Readonly<Record<string, Part>> = {
  yyyy: (text) => text.slice(0, 4),
  MM: (text) => text.slice(5, 7),
  dd: (text) => text.slice(8, 10),
  HH: (text) => text.slice(11, 13),
  mm: (text) => text.slice(14, 16),
  ss: (text) => text.slice(17, 19),
  SSS: () => '000',
  XXX: offsetText,
}

/** Of a text shown twice, the first: reading from there misses nothing. */
function offsetText(text: SourceTime, zone: string): string {
  const minutes = Math.trunc(offsetAt(instantOf(text, zone, 'earlier'), zone) / 60_000)
  const [h, m] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${minutes < 0 ? '-' : '+'}${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`
}

/**
 * How `lastChanged` is written in requests, from a pattern of `yyyy MM dd HH mm ss SSS XXX` (`XXX` = the zone's offset `+01:00`), text
 * in single quotes and any other signs. Throws `config.invalid` for unknown letters.
 */
export function timeFormat(pattern: string, zone: string): (text: SourceTime) => string {
  const parts = [...pattern.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)].map(([whole, quoted]): Part => {
    if (quoted !== undefined) return () => quoted
    const token = Object.hasOwn(tokens, whole) ? tokens[whole] : undefined
    if (token !== undefined) return token
    if (/[A-Za-z']/.test(whole)) {
      throw new ConnectorError(
        'config.invalid',
        `format of lastChanged: ${whole} is none of ${Object.keys(tokens).join(' ')}`,
      )
    }
    return () => whole
  })
  return (text) => parts.map((part) => part(text, zone)).join('')
}
