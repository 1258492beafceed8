/** Clocks change at full quarters of an hour only. */
export const QUARTER_MS = 900_000

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** By quarter of an hour. */
  readonly offsets: Map<number, number>
}

const OFFSETS_KEPT = 50_000
const zones = new Map<string, Zone>()

const formatIn = (timeZone: string) => new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })

/** Offset of an IANA zone from UTC in ms, at an instant (ms since 1970, years 1 to 9999). */
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

/** Such as `6/15/2026, GMT+02:00`. */
function offsetIn(text: string): number {
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? []
  const ms = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}
