/** Clocks change at full quarters of an hour only. */
export const QUARTER_MS = 900_000

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** By quarter of an hour. */
  readonly offsets: Map<number, number>
}

const OFFSETS_KEPT = 50_000
const zones = new Map<string, Zone>()

/** Offset of an IANA zone from UTC in ms, at an instant (ms since 1970, years 1 to 9999). */
export function offsetAt(instantMs: number, name: string): number {
  const zone = zones.get(name) ?? { format: formatOf(name), offsets: new Map<number, number>() }
  zones.set(name, zone)
  const { format, offsets } = zone
  const quarter = Math.floor(instantMs / QUARTER_MS)
  const known = offsets.get(quarter)
  if (known !== undefined) return known
  if (offsets.size >= OFFSETS_KEPT) offsets.clear()
  const offset = computeOffset(quarter * QUARTER_MS, format)
  offsets.set(quarter, offset)
  return offset
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric'
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    calendar: 'gregory',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  })
}

function computeOffset(instantMs: number, format: Intl.DateTimeFormat): number {
  const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = (
    format.format(instantMs).match(/\d+/g) ?? []
  ).map(Number)
  const wall = new Date(Date.UTC(2000, month - 1, day, hour, minute, second))
  wall.setUTCFullYear(year, month - 1, day)
  return wall.getTime() - instantMs
}
