import type { Note } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { type CheckpointDocument, compareNotes, type StreamIdentity } from './checkpoint-document.ts'

/** What is true when a stream opens. */
export type Truth =
  | { readonly kind: 'new' }
  | { readonly kind: 'committed' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'stop'; readonly code: ErrorCode; readonly why: string }

export interface ResolveAt {
  /** ms since 1970 */
  readonly now: number
  /** How long the broker keeps a note that nobody rewrites (`offsets.retention.minutes`). */
  readonly retentionMs: number
}

/** Clocks of two replicas may differ by this much when the age of a note is judged. */
const CLOCK_MARGIN_MS = 3_600_000

/** Which state is true, by the document, the note, and the time. The table of the design, row by row. Pure. */
export function resolve(document: CheckpointDocument | undefined, note: Note | undefined, at: ResolveAt): Truth {
  if (document === undefined)
    return note === undefined
      ? { kind: 'new' }
      : stop('checkpoint.missing', 'there is no document, but Kafka has a note')
  const { committed, pending } = document
  const hadNote = committed.by === 'note'

  if (note === undefined) {
    if (pending === null) return { kind: 'committed' }
    // Had `pending` been decided, its note would still be there: unless it is that old.
    if (mayHaveExpired(pending.at, at))
      return stop(
        'checkpoint.note-lost',
        'a transaction was prepared so long ago that Kafka may have forgotten its note',
      )
    if (!hadNote || mayHaveExpired(committed.at, at)) return { kind: 'committed' }
    return stop('checkpoint.note-lost', 'Kafka has no note of a state that the document holds as committed')
  }
  // Invariant 2: the note became visible with the events, or not at all.
  if (pending !== null && compareNotes(note, pending) === 'equal') return { kind: 'pending' }
  switch (compareNotes(note, committed)) {
    case 'equal':
      return { kind: 'committed' }
    case 'older':
      if (!hadNote) return { kind: 'committed' }
      return stop(
        'checkpoint.note-lost',
        'the note of Kafka is older than the state that the document holds as committed',
      )
    case 'newer':
      return stop('checkpoint.rolled-back', 'the note of Kafka is newer than both states of the document')
    case 'different':
      return stop(
        'checkpoint.rolled-back',
        'the note of Kafka has the number of the committed state, but is not the same',
      )
  }
}

function mayHaveExpired(decidedAt: number, { now, retentionMs }: ResolveAt): boolean {
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
