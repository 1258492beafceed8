import type { ClientOutcome } from '../event/page-events.ts'
import type { GroupParts } from './group.ts'
import type { PageReading } from './page-reader.ts'

/** In a first drain everything is old. Later, only a change that the drain before could have seen is late for good. All times in ms. */
export function observeLateness(
  { modified }: ClientOutcome,
  { readAt, previousStartedAt }: PageReading,
  { overlapMs, observe }: Pick<GroupParts, 'overlapMs' | 'observe'>,
): void {
  if (modified === undefined || previousStartedAt === null) return
  observe({ kind: 'lateness', ms: Math.max(0, readAt - modified.instant) })
  const missedByMs = previousStartedAt - modified.instant
  if (missedByMs > overlapMs / 2) observe({ kind: 'lateness-high', ms: missedByMs, overlapMs })
}
