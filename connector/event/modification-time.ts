import type { SourceTime } from '../source/client-source.ts'
import { instantAt, wallClock } from '../source/source-time.ts'

export interface ModificationTime {
  /** The instant in ms since 1970. */
  readonly instant: number
  /** The same instant on the server's wall clock. */
  readonly wallClock: SourceTime
  /** It is false for a date, and for midnight, which some servers send for a date. */
  readonly hasTimeOfDay: boolean
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/
const FRENCH = /^(\d{2})\/(\d{2})\/(\d{4})(?= |$)/

interface ParsedTime {
  readonly text: string
  readonly timeZone: string
  readonly time: ModificationTime | undefined
}

/** Clients with one modification time follow each other. */
let lastParsed: ParsedTime | undefined

/**
 * Parses ISO 8601 with or without an offset, or `dd/MM/yyyy [HH:mm:ss]`; undefined for anything else, and for an
 * instant outside of the years 0 to 9999, which no CloudEvent may have. A time without an offset in the repeated hour
 * of autumn is the earlier of the two.
 */
export function modificationTime(text: string, timeZone: string): ModificationTime | undefined {
  if (lastParsed?.text !== text || lastParsed.timeZone !== timeZone)
    lastParsed = { text, timeZone, time: parseModificationTime(text, timeZone) }
  return lastParsed.time
}

function parseModificationTime(text: string, timeZone: string): ModificationTime | undefined {
  const [, date, time = '00:00:00', fraction = '', offset] = ISO.exec(text.replace(FRENCH, '$3-$2-$1')) ?? []
  const wall = `${date}T${time}`
  const asUtc = Date.parse(`${wall}Z`)
  // The day is another one for a text such as 30 February.
  if (new Date(asUtc).getUTCDate() !== Number(date?.slice(8))) return undefined
  const instant =
    offset === undefined
      ? instantAt(asUtc, timeZone, 'earlier') + Number(fraction.padEnd(4, '0').slice(1, 4))
      : Date.parse(`${wall}${fraction.slice(0, 4)}${offset}`)
  const year = new Date(instant).getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) return undefined // not a number: an invalid offset
  if (offset === undefined) return { instant, wallClock: wall as SourceTime, hasTimeOfDay: time !== '00:00:00' }
  return { instant, wallClock: wallClock(instant, timeZone), hasTimeOfDay: true }
}
