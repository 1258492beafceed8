import type { SourceTime } from '../source/client-source.ts'
import { instantOf, wallClock } from '../source/source-time.ts'

/** When a client was modified, as an instant (ms since 1970) and by the server's wall clock. */
export interface ModificationTime {
  readonly instant: number
  readonly wallClock: SourceTime
}

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/
const FRENCH = /^(\d{2})\/(\d{2})\/(\d{4})(?: (\d{2}:\d{2}:\d{2}))?$/

/** Reads ISO 8601 with or without offset, or `dd/MM/yyyy [HH:mm:ss]`; undefined for anything else. Of a repeated hour the earlier. */
export function modificationTime(text: string, timeZone: string): ModificationTime | undefined {
  const iso = ISO.exec(text)
  if (iso !== null) {
    const [, date, time, fraction = '', offset] = iso
    if (offset === undefined) return local(`${date}T${time}`, fraction, timeZone)
    const instant = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${offset}`)
    return Number.isNaN(instant) ? undefined : { instant, wallClock: wallClock(instant, timeZone) }
  }
  const french = FRENCH.exec(text)
  if (french === null) return undefined
  const [, day, month, year, time = '00:00:00'] = french
  return local(`${year}-${month}-${day}T${time}`, '', timeZone)
}

function local(wall: string, fraction: string, timeZone: string): ModificationTime | undefined {
  const asUtc = Date.parse(`${wall}Z`)
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wall) return undefined // 30 February
  const milliseconds = Number(fraction.padEnd(4, '0').slice(1, 4))
  return { instant: instantOf(wall as SourceTime, timeZone, 'earlier') + milliseconds, wallClock: wall as SourceTime }
}
