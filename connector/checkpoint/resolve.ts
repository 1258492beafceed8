import type { FoundNote, Mark, Note, Sightings } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { type CheckpointDocument, compareNotes, type StreamIdentity } from './checkpoint-document.ts'

/** What is true when a stream opens. */
export type Truth =
  | { readonly kind: 'new' }
  /** `restore`: the note that Kafka has to be given anew (null: the one that hangs is to be dropped), where it has not the one that goes with it. */
  | { readonly kind: 'committed' | 'pending'; readonly restore?: Note | null }
  /** Kafka has lost the end of a note: whether events since this time (ms since 1970) are there, and which, tells. */
  | { readonly kind: 'unclear'; readonly since: number }
  | { readonly kind: 'stop'; readonly code: ErrorCode; readonly why: string }

/** What is known when the truth is looked for. */
export interface Known extends FoundNote {
  /** ms since 1970 */
  readonly now: number
  /** How long the broker keeps a note that nobody rewrites (`offsets.retention.minutes`). */
  readonly retentionMs: number
  /** What was met in the topic; undefined before somebody has looked. */
  readonly sightings?: Sightings
}

/** Clocks of two replicas may differ by this much when the age of a note is judged. */
const CLOCK_MARGIN_MS = 3_600_000
/** An hour more, as events are sent before their state is prepared. */
const LOOK_BACK_MS = 7_200_000

/** Which state is true, by the document, the note, and the time. The table of the design, row by row. Pure. */
export function resolve(document: CheckpointDocument | undefined, known: Known): Truth {
  const { note, isHanging } = known
  if (document === undefined)
    return note === undefined && !isHanging
      ? { kind: 'new' }
      : stop('checkpoint.missing', 'there is no document, but Kafka has a note')
  const { committed, pending } = document
  // Invariant 2: the note became visible with the events, or not at all.
  if (pending !== null && note !== undefined && compareNotes(note, pending) === 'equal')
    return isHanging ? { kind: 'pending', restore: null } : { kind: 'pending' }
  const relation = note === undefined ? 'none' : compareNotes(note, committed)
  switch (relation) {
    case 'newer':
      return stop('checkpoint.rolled-back', 'the note of Kafka is newer than both states of the document')
    case 'different':
      return stop(
        'checkpoint.rolled-back',
        'the note of Kafka has the number of the committed state, but is not the same',
      )
    case 'none':
      // Had `pending` been decided, its note would still be there: unless it is that old.
      if (pending !== null && mayHaveExpired(pending.at, known))
        return stop(
          'checkpoint.note-lost',
          'a transaction was prepared so long ago that Kafka may have forgotten its note',
        )
      if (pending === null || mayHaveExpired(committed.at, known)) return unlessDecided(document, known)
      return unlessLost(document, known)
    case 'older':
      return unlessLost(document, known)
    case 'equal':
      return unlessDecided(document, known)
  }
}

/** The note is as it should be: `committed` is true, unless the end of the note of `pending` was lost. */
function unlessDecided({ pending }: CheckpointDocument, { isHanging, sightings }: Known): Truth {
  if (!isHanging) return { kind: 'committed' }
  if (pending === null) return { kind: 'committed', restore: null }
  if (sightings === undefined) return { kind: 'unclear', since: pending.at - LOOK_BACK_MS }
  return sightings.get('of pending') === 'visible'
    ? { kind: 'pending', restore: noteIn(pending) }
    : { kind: 'committed', restore: null }
}

/** Kafka has not the note of `committed`: unless that never had one, its end was lost, or Kafka lost more than that. */
function unlessLost(document: CheckpointDocument, known: Known): Truth {
  const { committed, pending } = document
  const { note, sightings } = known
  if (committed.by !== 'note') return unlessDecided(document, known)
  if (sightings === undefined) return { kind: 'unclear', since: committed.at - LOOK_BACK_MS }
  if (pending !== null && sightings.get('of pending') === 'visible')
    return { kind: 'pending', restore: noteIn(pending) }
  if (committed.state.events === 0 || sightings.has('last of committed'))
    return { kind: 'committed', restore: noteIn(committed) }
  return stop(
    'checkpoint.note-lost',
    note === undefined
      ? 'Kafka has neither the note nor the events of a state that the document holds as committed'
      : 'the note of Kafka is older than the state that the document holds as committed, whose events are not there',
  )
}

const noteIn = ({ epoch, seq, nonce }: Note): Note => ({ epoch, seq, nonce })

/** What an event of this number says about the truth. Pure. */
export function markOf({ committed, pending }: CheckpointDocument, sequence: number | undefined): Mark | undefined {
  const { events } = committed.state
  if (sequence === events - 1) return 'last of committed'
  const isPending = pending !== null && sequence !== undefined && sequence >= events && sequence < pending.change.events
  return isPending ? 'of pending' : undefined
}

function mayHaveExpired(decidedAt: number, { now, retentionMs }: Known): boolean {
  return now - decidedAt >= retentionMs - CLOCK_MARGIN_MS
}

/** Whether the document is this stream's: another stream, source, cluster or topic stops. A new URL and more partitions do not. Pure. */
export function mismatch(document: CheckpointDocument, identity: StreamIdentity): string | undefined {
  const { source, destination } = identity
  const compared: [string, string | number | null, string | number | null][] = [
    ['connector', document.connector, identity.connector],
    ['stream', document.stream, identity.stream],
    ['codeMagasin', document.source.codeMagasin, source.codeMagasin],
    ['prefixCle', document.source.prefixCle, source.prefixCle],
    ['Kafka cluster', document.destination.clusterId, destination.clusterId],
    ['topic', document.destination.topic, destination.topic],
  ]
  const wrong = compared.find(([, stored, configured]) => stored !== configured)
  if (wrong !== undefined)
    return `the document is of ${wrong[0]} ${wrong[1] ?? '(none)'}, not of ${wrong[2] ?? '(none)'}`
  return document.destination.partitions > destination.partitions
    ? `the topic had ${document.destination.partitions} partitions and has ${destination.partitions}: it was created again`
    : undefined
}

function stop(code: ErrorCode, why: string): Truth {
  return { kind: 'stop', code, why }
}
