import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { logLine, rowOfEvent } from './events/pipeline-events.ts'
import type { Log } from './logger.ts'

const repeatAfterMs = 60 * 60 * 1000

interface StreamLogParts {
  readonly log: Log
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Writes the log lines of one stream. */
export function logObserver(stream: string, { log, clock }: StreamLogParts): Observe {
  const loggedAt = new Map<string, number>()
  const isRepeated = (event: PipelineEvent) => {
    const { logged } = rowOfEvent(event)
    if (logged === undefined) return false
    const [key, now] = [conditionKey(event), clock.monotonic()]
    const at = loggedAt.get(key)
    if (at !== undefined && (now - at < repeatAfterMs || logged === 'once')) return true
    loggedAt.set(key, now)
    return false
  }
  return (event) => {
    const line = logLine(stream, event)
    if (line !== undefined && !isRepeated(event)) log(line.level, line.message, line.fields)
  }
}

/** Identifies a condition; numbers and errors do not distinguish conditions. */
function conditionKey(event: PipelineEvent): string {
  return Object.values(event)
    .filter((value) => typeof value === 'string' || Array.isArray(value))
    .join('\n')
}
