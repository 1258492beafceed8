import type { Admin } from 'kafkajs'
import { codeOf } from '../runtime/connector-error.ts'
import { retry } from '../runtime/retry.ts'
import { fetchNote, type NotePlace } from './commit-note.ts'
import type { Note } from './event-publisher.ts'
import { type SessionParts, withAdmin } from './kafka-session.ts'

/** A moved or loading group coordinator takes seconds to come back. */
const noteRetry = { retries: 12, firstPauseMs: 100, maxPauseMs: 2000, maxRetryAfterMs: 0 }

/** The note of the stream as the broker has it now. Final only for who has fenced all others. */
export function readNote(parts: SessionParts, place: NotePlace, stop: AbortSignal): Promise<Note | undefined> {
  const { group, topic } = place
  const needs = { 29: `READ on topic ${topic}`, 30: `READ on group ${group}` }
  const work = (admin: Admin) => fetchNote(admin, place)
  const use = { operation: `read the note in group ${group}`, needs, work }
  return retry(
    () => withAdmin(parts, use, stop),
    { clock: parts.clock, policy: noteRetry, onRetry: () => undefined },
    stop,
  )
}

/** As `readNote`; undefined where the cluster does not allow to look. */
export async function readNoteIfAllowed(
  parts: SessionParts,
  place: NotePlace,
  stop: AbortSignal,
): Promise<Note | undefined> {
  try {
    return await readNote(parts, place, stop)
  } catch (error) {
    if (codeOf(error) !== 'publish.unauthorized') throw error
    return undefined
  }
}
