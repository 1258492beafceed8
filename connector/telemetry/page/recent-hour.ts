import type { Observe } from '../../pipeline/pipeline-event.ts'
import type { Clock } from '../../runtime/clock.ts'
import { clientsOf } from '../scan-status.ts'

const MINUTES = 60
const MINUTE_MS = 60_000

/** The last hour of one stream by minute, oldest first; the last one is the present minute. Null: no page was read. */
interface StreamHour {
  readonly stream: string
  readonly events: readonly (number | null)[]
  /** The slowest read and the slowest delivery of the minute. */
  readonly readSeconds: readonly (number | null)[]
  readonly publishSeconds: readonly (number | null)[]
}

export interface HourReport {
  /** The beginning of the present minute. */
  readonly minute: string
  readonly streams: readonly StreamHour[]
}

/** Keeps the last hour of each stream in memory: 60 minutes of three numbers, about 1 kB a stream. */
export interface RecentHour {
  follow(stream: string): Observe
  report(): HourReport
}

/** One slot a minute; NaN: nothing was measured. */
interface Ring {
  minute: number
  readonly events: Float32Array
  readonly readMs: Float32Array
  readonly publishMs: Float32Array
}

export function recentHour({ now }: Pick<Clock, 'now'>): RecentHour {
  const rings = new Map<string, Ring>()
  const presentMinute = () => Math.floor(now() / MINUTE_MS)
  return {
    follow: (stream) => {
      const ring = emptyRing(presentMinute())
      rings.set(stream, ring)
      return (event) => {
        if (event.kind !== 'page-read' && event.kind !== 'pages-published') return
        const slot = advance(ring, presentMinute())
        if (event.kind === 'page-read') {
          raise(ring.readMs, slot, event.tookMs)
          add(ring.events, slot, 0)
          return
        }
        const events = clientsOf(event.scans, 'events')
        add(ring.events, slot, events)
        if (events + event.deadLetters > 0) raise(ring.publishMs, slot, event.tookMs)
      }
    },
    report: () => {
      const minute = presentMinute()
      return {
        minute: new Date(minute * MINUTE_MS).toISOString(),
        streams: [...rings].map(([stream, ring]) => streamHour(stream, ring, minute)),
      }
    },
  }
}

function emptyRing(minute: number): Ring {
  const empty = () => new Float32Array(MINUTES).fill(Number.NaN)
  return { minute, events: empty(), readMs: empty(), publishMs: empty() }
}

/** Clears the minutes that have passed, and returns the slot of the present one. A clock that goes back changes nothing. */
function advance(ring: Ring, minute: number): number {
  const passed = Math.min(MINUTES, minute - ring.minute)
  for (let back = 0; back < passed; back++)
    for (const values of [ring.events, ring.readMs, ring.publishMs]) values[(minute - back) % MINUTES] = Number.NaN
  ring.minute = Math.max(ring.minute, minute)
  return ring.minute % MINUTES
}

function add(values: Float32Array, slot: number, by: number): void {
  values[slot] = (values[slot] || 0) + by // NaN counts as 0
}

function raise(values: Float32Array, slot: number, to: number): void {
  values[slot] = Math.max(values[slot] || 0, to)
}

function streamHour(stream: string, ring: Ring, minute: number): StreamHour {
  const slot = advance(ring, minute)
  const ordered = (values: Float32Array, unit = 1) =>
    Array.from({ length: MINUTES }, (_, index) => {
      const value = values[(slot + 1 + index) % MINUTES] ?? Number.NaN
      return Number.isNaN(value) ? null : Math.round(value) / unit
    })
  return {
    stream,
    events: ordered(ring.events),
    readSeconds: ordered(ring.readMs, 1000),
    publishSeconds: ordered(ring.publishMs, 1000),
  }
}
