import { DAY_MS, HOUR_MS } from '../runtime/units.ts'
import type { ClientRecord, SourceTime } from '../source/client-source.ts'
import { instantAt, steadyOffset, wallClock } from '../source/source-time.ts'
import { valueAt } from './canonical-json.ts'

export interface ModificationTime {
  /** Milliseconds since 1970. */
  readonly instant: number
  /** The same instant on the server's wall clock. */
  readonly wallClock: SourceTime
  /** False for a date, and for midnight, which some servers send for a date. */
  readonly hasTimeOfDay: boolean
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/
/** What most servers send. */
const PLAIN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/
const FRENCH = /^(\d{2})\/(\d{2})\/(\d{4})(?: (\d{2}:\d{2}:\d{2}))?$/

/**
 * Parses ISO 8601 with or without an offset, or `dd/MM/yyyy [HH:mm:ss]`; undefined for anything else. A time without
 * an offset in the repeated hour of autumn is the earlier of the two.
 */
export function modificationTime(text: string, timeZone: string): ModificationTime | undefined {
  if (PLAIN.test(text)) return local(text, '', timeZone)
  const iso = ISO.exec(text)
  if (iso !== null) {
    const [, date, time = '00:00:00', fraction = '', offset] = iso
    if (offset === undefined) return local(`${date}T${time}`, fraction, timeZone)
    const instant = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${offset}`)
    return Number.isNaN(instant) ? undefined : { instant, wallClock: wallClock(instant, timeZone), hasTimeOfDay: true }
  }
  const french = FRENCH.exec(text)
  if (french === null) return undefined
  const [, day, month, year, time = '00:00:00'] = french
  return local(`${year}-${month}-${day}T${time}`, '', timeZone)
}

function local(wall: string, fraction: string, timeZone: string): ModificationTime | undefined {
  const inDay = msInDay(wall)
  const { startsAt, offset } = wallDay(wall.slice(0, 10), timeZone)
  if (inDay === undefined || Number.isNaN(startsAt)) return undefined // e.g. 30 February
  const asUtc = startsAt + inDay
  const milliseconds = fraction === '' ? 0 : Number(fraction.padEnd(4, '0').slice(1, 4))
  const instant = (offset === undefined ? instantAt(asUtc, timeZone, 'earlier') : asUtc - offset) + milliseconds
  return { instant, wallClock: wall as SourceTime, hasTimeOfDay: inDay > 0 }
}

/** Undefined: no time of day. */
function msInDay(wall: string): number | undefined {
  const [hours, minutes, seconds] = [twoDigits(wall, 11), twoDigits(wall, 14), twoDigits(wall, 17)]
  const isTime = hours < 24 && minutes < 60 && seconds < 60
  return isTime ? hours * HOUR_MS + (minutes * 60 + seconds) * 1000 : undefined
}

const twoDigits = (text: string, at: number) => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 11 * 0x30

/** A day on the wall clock of a zone. */
interface WallDay {
  readonly date: string
  readonly zone: string
  /** By a clock of UTC; NaN: there is no such date. */
  readonly startsAt: number
  /** Undefined: the clocks may change on this day. */
  readonly offset: number | undefined
}

/** Hot path: the clients of a page follow each other, so most have the day of the one before. */
let lastDay: WallDay | undefined

function wallDay(date: string, zone: string): WallDay {
  if (lastDay?.date === date && lastDay.zone === zone) return lastDay
  const parsed = Date.parse(`${date}T00:00:00Z`)
  const startsAt = new Date(parsed).getUTCDate() === Number(date.slice(8)) ? parsed : Number.NaN
  lastDay = { date, zone, startsAt, offset: steadyOffset(startsAt, startsAt + DAY_MS, zone) }
  return lastDay
}

/** Finds out whether modification times can be parsed at all. */
export interface TimeWatch {
  /** True once, if none of the first clients with a text in this field has a time there. */
  isUnreadable(clients: readonly ClientRecord[], path: readonly string[]): boolean
}

const WATCHED_CLIENTS = 10

export function timeWatch(timeZone: string): TimeWatch {
  let left = WATCHED_CLIENTS
  return {
    isUnreadable: (clients, path) => {
      for (const client of left === 0 ? [] : clients) {
        const text = valueAt(client, path)
        if (typeof text !== 'string' || text.trim() === '') continue
        left = modificationTime(text, timeZone) === undefined ? left - 1 : 0
        if (left === 0) return modificationTime(text, timeZone) === undefined
      }
      return false
    },
  }
}
