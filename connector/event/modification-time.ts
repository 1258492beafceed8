import type { ClientRecord, SourceTime } from '../source/client-source.ts'
import { instantAt, wallClock } from '../source/source-time.ts'
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
  const asUtc = Date.parse(`${wall}Z`)
  if (new Date(asUtc).getUTCDate() !== Number(wall.slice(8, 10))) return undefined // e.g. 30 February, or no time at all
  const milliseconds = fraction === '' ? 0 : Number(fraction.padEnd(4, '0').slice(1, 4))
  const instant = instantAt(asUtc, timeZone, 'earlier') + milliseconds
  return { instant, wallClock: wall as SourceTime, hasTimeOfDay: !wall.endsWith('T00:00:00') }
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
