import type { ClientOutcome } from '../event/page-events.ts'
import type { GroupParts } from './group.ts'
import type { PageReading } from './page-reader.ts'

/** Only a change that the drain before could have seen is late for good; after a pause, everything is read late. All times in ms. */
export function observeLateness(
  { modified }: ClientOutcome,
  reading: PageReading,
  { overlapMs, observe }: Pick<GroupParts, 'overlapMs' | 'observe'>,
): void {
  if (modified === undefined) return
  observe({ kind: 'lateness', ms: Math.max(0, reading.readAt - modified.instant) })
  const missedByMs = (reading.previousStartedAt ?? Number.NEGATIVE_INFINITY) - modified.instant
  if (missedByMs > overlapMs / 2) observe({ kind: 'lateness-high', ms: missedByMs, overlapMs })
}
