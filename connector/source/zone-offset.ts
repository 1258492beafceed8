import { DAY_MS } from '../runtime/units.ts'

interface Zone {
  readonly format: Intl.DateTimeFormat
  readonly days: Map<number, DayOfZone>
}

/** The offsets of one UTC day. */
interface DayOfZone {
  /** Offset at the start of the day. */
  readonly before: number
  /** The instant from which `after` applies; on nearly all days the end of the day. */
  readonly changeAt: number
  readonly after: number
}

const DAYS_KEPT = 50_000
const zones = new Map<string, Zone>()

/** Offset of an IANA zone from UTC in ms, at an instant (ms since 1970, years 1 to 9999). Cached per day. */
export function offsetAt(instantMs: number, zone: string): number {
  const { format, days } = zoneOf(zone)
  const day = Math.floor(instantMs / DAY_MS)
  let known = days.get(day)
  if (known === undefined) {
    if (days.size >= DAYS_KEPT) days.clear()
    known = dayOfZone(day * DAY_MS, format)
    days.set(day, known)
  }
  return instantMs < known.changeAt ? known.before : known.after
}

/** Assumes at most one change per day; no zone has ever had two. */
function dayOfZone(start: number, format: Intl.DateTimeFormat): DayOfZone {
  const end = start + DAY_MS
  const before = computeOffset(start, format)
  const after = computeOffset(end - 1000, format)
  if (before === after) return { before, changeAt: end, after }
  let [last, changeAt] = [start, end]
  while (changeAt - last > 1000) {
    const middle = last + Math.floor((changeAt - last) / 2000) * 1000
    if (computeOffset(middle, format) === before) last = middle
    else changeAt = middle
  }
  return { before, changeAt, after }
}

function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const numeric = 'numeric'
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    calendar: 'gregory',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  })
  const zone = { format, days: new Map<number, DayOfZone>() }
  zones.set(name, zone)
  return zone
}

function computeOffset(instantMs: number, format: Intl.DateTimeFormat): number {
  const seconds = Math.floor(instantMs / 1000) * 1000
  const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = (
    format.format(seconds).match(/\d+/g) ?? []
  ).map(Number)
  const wall = new Date(Date.UTC(2000, month - 1, day, hour, minute, second))
  wall.setUTCFullYear(year, month - 1, day)
  return wall.getTime() - seconds
}
