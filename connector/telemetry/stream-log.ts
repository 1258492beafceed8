import type { Observe, PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Scan } from '../scan/scan-state.ts'
import { logLine, rowOfEvent } from './events/pipeline-events.ts'
import type { Log } from './logger.ts'
import { isLong, type ScanReport } from './scan-status.ts'

const repeatAfterMs = 60 * 60 * 1000

interface StreamLogParts {
  readonly log: Log
  readonly clock: Clock
  /** The background scans in progress. */
  readonly scans: () => readonly ScanReport[]
}

/** Writes the log lines of one stream. */
export function logObserver(stream: string, parts: StreamLogParts): Observe {
  const logProgress = progressLog(stream, parts)
  const loggedAt = new Map<string, number>()
  const isRepeated = (event: PipelineEvent) => {
    const { logged } = rowOfEvent(event)
    if (logged === undefined) return false
    const [key, now] = [conditionKey(event), parts.clock.monotonic()]
    const at = loggedAt.get(key)
    if (at !== undefined && (now - at < repeatAfterMs || logged === 'once')) return true
    loggedAt.set(key, now)
    return false
  }
  return (event) => {
    const line = logLine(stream, event)
    if (line !== undefined && !isRepeated(event)) parts.log(line.level, line.message, line.fields)
    if (event.kind === 'pages-published') logProgress(event.states.background)
  }
}

/** Identifies a condition; numbers and errors do not distinguish conditions. */
function conditionKey(event: PipelineEvent): string {
  return Object.values(event)
    .filter((value) => typeof value === 'string' || Array.isArray(value))
    .join('\n')
}

const PROGRESS_EVERY_MS = 5 * 60 * 1000

/** Logs the progress of long scans. */
function progressLog(stream: string, { log, clock, scans }: StreamLogParts): (background: readonly Scan[]) => void {
  let loggedAt: number | undefined
  return (background) => {
    if (!background.some(({ kind }) => isLong(kind))) {
      loggedAt = undefined
      return
    }
    const now = clock.monotonic()
    loggedAt ??= now
    if (now - loggedAt < PROGRESS_EVERY_MS) return
    loggedAt = now
    for (const report of scans()) if (isLong(report.scan)) log('info', 'scan in progress', { stream, ...report })
  }
}
