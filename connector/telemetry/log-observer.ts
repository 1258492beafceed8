import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from './log.ts'
import { logLine } from './log-lines.ts'

const quietMs = 60 * 60 * 1000

/** Conditions, not happenings: they last, and are told again once an hour at most. */
const conditions: ReadonlySet<PipelineEvent['kind']> = new Set([
  'setting-ignored',
  'source-moved',
  'partitions-grown',
  'field-detected',
  'list-ambiguous',
  'lateness-high',
  'window-overflowed',
  'server-clock-missing',
  'fields-keep-changing',
])

/** Writes the log lines of one stream. */
export function logObserver(stream: string, parts: { log: Log; clock: Clock }): Observe {
  const toldAt = new Map<string, number>()
  const wasTold = (event: PipelineEvent) => {
    if (!conditions.has(event.kind)) return false
    const [key, now] = [conditionKey(event), parts.clock.monotonic()]
    const at = toldAt.get(key)
    if (at !== undefined && now - at < quietMs) return true
    toldAt.set(key, now)
    return false
  }
  return (event) => {
    const line = logLine(stream, event)
    if (line !== undefined && !wasTold(event)) parts.log(line.level, line.message, line.fields)
  }
}

/** Which condition it is, whatever its figures. */
function conditionKey(event: PipelineEvent): string {
  return Object.values(event)
    .filter((value) => typeof value !== 'number')
    .join('\n')
}
