import { codeOf } from '../runtime/connector-error.ts'
import { retry } from '../runtime/retry.ts'
import { fetchNote, type NotePlace } from './commit-note.ts'
import type { FoundNote } from './event-publisher.ts'
import { type SessionParts, withConnection } from './kafka-session.ts'
import { type Cluster, type CoordinatorFinder, clusterOf } from './kafkajs/kafka-cluster.ts'

const noNote: FoundNote = { note: undefined, isHanging: false }

/** A moved or loading group coordinator takes seconds to come back. */
const noteRetry = { retries: 12, firstPauseMs: 100, maxPauseMs: 2000, maxRetryAfterMs: 0 }

/**
 * The note of the stream as the broker has it now. Final only for who has fenced all others, and asks the broker that fenced them who keeps
 * it: that one has written the end of the last transaction there. Any other may be cut off from the cluster, and name itself.
 */
export function readNote(
  parts: SessionParts,
  place: NotePlace,
  stop: AbortSignal,
  knows?: CoordinatorFinder,
): Promise<FoundNote> {
  const { group, topic } = place
  const needs = { 29: `READ on topic ${topic}`, 30: `READ on group ${group}` }
  const work = (cluster: Cluster) => fetchNote(cluster, place, knows)
  const use = { operation: `read the note in group ${group}`, needs, open: clusterOf, work }
  return retry(
    () => withConnection(parts, use, stop),
    { clock: parts.clock, policy: noteRetry, onRetry: () => undefined },
    stop,
  )
}

/** As `readNote`; none where the cluster does not allow to look, or is too old to. */
export async function readNoteIfAllowed(parts: SessionParts, place: NotePlace, stop: AbortSignal): Promise<FoundNote> {
  try {
    return await readNote(parts, place, stop)
  } catch (error) {
    if (['publish.unauthorized', 'publish.refused'].includes(codeOf(error))) return noNote
    throw error
  }
}
