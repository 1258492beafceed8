import type { CheckpointVersion } from './checkpoint-history.ts'
import type { TopicEvent } from './topic-event.ts'

/**
 * The changes among the events, without the unchanged clients that a rewind or a new index has published again, once each. `events`: those of
 * each client in the order of its partition. Any other event that repeats a version stays, and is a duplicate.
 */
export function changesAmong(events: readonly TopicEvent[], checkpoints: readonly CheckpointVersion[]): TopicEvent[] {
  const begun = beginnings(checkpoints)
  const last = new Map<string, TopicEvent>()
  return events.filter((event) => {
    const before = last.get(event.key)
    last.set(event.key, event)
    if (before?.version !== event.version) return true
    if (event.republished !== undefined && event.republished !== before.republished) return false
    return !begun.some((sequence) => before.sequence < sequence && sequence <= event.sequence)
  })
}

/** The first event number of each client index but the first. */
function beginnings(checkpoints: readonly CheckpointVersion[]): number[] {
  const first = new Map<number, number>()
  for (const { index } of checkpoints)
    first.set(index.generation, Math.min(first.get(index.generation) ?? Number.POSITIVE_INFINITY, index.nextEvent))
  const oldest = Math.min(...first.keys())
  return [...first].filter(([generation]) => generation !== oldest).map(([, nextEvent]) => nextEvent)
}
