import type { Observe } from '../../pipeline/pipeline-event.ts'
import type { Clock } from '../../runtime/clock.ts'
import { MINUTE_MS } from '../../runtime/units.ts'
import { clientsOf } from '../scan-status.ts'

const MINUTES = 60

/** The last hour of one stream by minute, oldest first; the last one is the present minute. Null: no page was read. */
interface StreamHour {
  readonly stream: string
  readonly events: readonly (number | null)[]
  /** The slowest read and the slowest delivery of the minute. */
  readonly readSeconds: readonly (number | null)[]
  readonly publishSeconds: readonly (number | null)[]
}

interface HourReport {
  /** The beginning of the present minute. */
  readonly minute: string
  readonly streams: readonly StreamHour[]
}

/** Keeps the last hour of each stream in memory. */
export interface RecentHour {
  follow(stream: string): Observe
  report(): HourReport
}

/** A minute in which a page was read or delivered. */
interface Minute {
  readonly minute: number
  events: number
  readMs?: number
  publishMs?: number
}

export function recentHour({ now }: Pick<Clock, 'now'>): RecentHour {
  const hours = new Map<string, Minute[]>()
  const presentMinute = () => Math.floor(now() / MINUTE_MS)
  return {
    follow: (stream) => {
      const hour: Minute[] = []
      hours.set(stream, hour)
      return (event) => {
        if (event.kind === 'page-read') {
          const minute = minuteOf(hour, presentMinute())
          minute.readMs = Math.max(minute.readMs ?? 0, event.tookMs)
        } else if (event.kind === 'pages-published') {
          const minute = minuteOf(hour, presentMinute())
          const events = clientsOf(event.scans, 'events')
          minute.events += events
          if (events + event.deadLetters > 0) minute.publishMs = Math.max(minute.publishMs ?? 0, event.tookMs)
        }
      }
    },
    report: () => {
      const minute = presentMinute()
      return {
        minute: new Date(minute * MINUTE_MS).toISOString(),
        streams: [...hours].map(([stream, hour]) => streamHour(stream, hour, minute)),
      }
    },
  }
}

/** The present minute; the newest one if the clock was set back. */
function minuteOf(hour: Minute[], present: number): Minute {
  const newest = hour.at(-1)
  if (newest !== undefined && newest.minute >= present) return newest
  const minute: Minute = { minute: present, events: 0 }
  hour.push(minute)
  while (hour[0] !== undefined && hour[0].minute <= present - MINUTES) hour.shift()
  return minute
}

function streamHour(stream: string, hour: readonly Minute[], present: number): StreamHour {
  const known = new Map(hour.map((one) => [one.minute, one]))
  const last = Math.max(present, hour.at(-1)?.minute ?? 0)
  const shown = Array.from({ length: MINUTES }, (_, index) => known.get(last - MINUTES + 1 + index))
  const seconds = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms) / 1000)
  return {
    stream,
    events: shown.map((minute) => minute?.events ?? null),
    readSeconds: shown.map((minute) => seconds(minute?.readMs)),
    publishSeconds: shown.map((minute) => seconds(minute?.publishMs)),
  }
}
