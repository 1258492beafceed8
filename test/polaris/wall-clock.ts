/** Wall-clock text `YYYY-MM-DDTHH:mm:ss.fff` of a server that stores no time zones. Comparable as text. */
export type WallText = string

const QUARTER_MS = 15 * 60_000

/** The wall clock of a time zone. */
export interface WallClock {
  /** Wall-clock text at an instant (ms since 1970). */
  at(instant: number): WallText
}

/** Caches offsets per quarter of an hour: zones change only at full quarters. */
export function wallClockOf(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'longOffset' })
  const known = new Map<number, number>()
  const offsetAt = (instant: number) => {
    const quarter = Math.floor(instant / QUARTER_MS)
    const offset = known.get(quarter) ?? offsetFrom(format, quarter * QUARTER_MS)
    known.set(quarter, offset)
    return offset
  }
  return {
    at: (instant) => new Date(instant + offsetAt(instant)).toISOString().slice(0, 23),
  }
}

function offsetFrom(format: Intl.DateTimeFormat, instant: number): number {
  const name = format.formatToParts(instant).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT'
  const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name) ?? []
  return hours === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?(Z|[+-]\d\d:?\d\d)?$/

/** Parses an ISO date as .NET does: an offset is converted to the wall clock; undefined if the text is invalid. */
export function parseDateTime(text: string, wall: WallClock): WallText | undefined {
  const iso = ISO.exec(text)
  if (iso === null) return undefined
  const wallText = checked(iso.slice(1, 7), iso[7] ?? '')
  const zone = iso[8]
  if (wallText === undefined || zone === undefined) return wallText
  const offset = zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)))
  return wall.at(Date.parse(`${wallText}Z`) - offset * 60_000)
}

function checked(parts: readonly (string | undefined)[], fraction: string): WallText | undefined {
  const [year, month, day, hour = '00', minute = '00', second = '00'] = parts
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`
  const time = Date.parse(`${text}Z`)
  return Number.isNaN(time) || new Date(time).toISOString() !== `${text}Z` ? undefined : text
}
