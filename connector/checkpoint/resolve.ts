import { type ClientTable, highestNumber } from '../index/client-table.ts'
import { type IndexEntry, isWithdrawn } from '../index/index-entry.ts'
import type { CommitRecord, EventMatch, RecordRepair, StoredRecord } from '../publish/event-publisher.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { type CheckpointDocument, compareRecords } from './checkpoint-document.ts'
import type { StreamState } from './stream-state.ts'

/** Which state of the document is valid. */
export type Resolution =
  | { readonly kind: 'new' }
  /** `record`: how to repair the commit record. `isUnproven`: compaction may have deleted every event of it. */
  | { readonly kind: 'committed' | 'pending'; readonly record: RecordRepair; readonly isUnproven?: true }
  /** The commit record is inconclusive: the events since this time (ms since 1970) decide. */
  | { readonly kind: 'needs-scan'; readonly since: number }
  | { readonly kind: 'hold'; readonly code: ErrorCode; readonly why: string }

/** The inputs of a resolution besides the document. */
export interface Known extends StoredRecord {
  /** ms since 1970 */
  readonly now: number
  /** How long the broker keeps a commit record that is not rewritten (`offsets.retention.minutes`). */
  readonly retentionMs: number
  /** The matches that an event scan found visible; undefined before the scan. */
  readonly visible?: ReadonlySet<EventMatch>
  /** Undefined before the scan. */
  readonly kept?: KeptEvent
}

/**
 * The newest event of the committed state that compaction keeps: not withdrawn by a tombstone, so the last of its client.
 * `unknown`: the client index cannot be read; then only the last event of the state counts.
 */
export type KeptEvent = { readonly kind: 'event'; readonly number: number } | { readonly kind: 'none' | 'unknown' }

/** By the client index of the committed state. */
export function keptEvent({ index }: StreamState, table: Pick<ClientTable, 'partitions'>): KeptEvent {
  const isKept = (entry: IndexEntry) => !entry.isDeadLetter && !isWithdrawn(entry)
  const number = highestNumber(table, { from: index.contentsFrom, isWanted: isKept })
  return number === undefined ? { kind: 'none' } : { kind: 'event', number }
}

/**
 * Event scans start this much earlier: the clocks of two replicas may differ by an hour, and events are sent before
 * their state is prepared.
 */
const SCAN_MARGIN_MS = 7_200_000

const nothing: RecordRepair = { kind: 'none' }

/**
 * Determines the valid state from the document, the commit record and the time, by the table in
 * `docs/decisions/20261126-recovery.md`. Pure.
 */
export function resolveState(document: CheckpointDocument | undefined, known: Known): Resolution {
  const { record, isUnstable } = known
  if (document === undefined)
    return record === undefined && !isUnstable
      ? { kind: 'new' }
      : hold('checkpoint.missing', 'the checkpoint document is missing, but Kafka has a commit record')
  const { committed, pending } = document
  // Invariant 2: the commit record becomes visible together with the events, or not at all.
  if (pending !== null && record !== undefined && compareRecords(record, pending) === 'equal')
    return { kind: 'pending', record: isUnstable ? { kind: 'drop' } : nothing }
  const relation = record === undefined ? 'none' : compareRecords(record, committed)
  switch (relation) {
    case 'newer':
      return hold('checkpoint.rolled-back', 'the commit record in Kafka is newer than both states of the document')
    case 'different':
      return hold(
        'checkpoint.rolled-back',
        'the commit record in Kafka has the epoch and number of the committed state, but another nonce',
      )
    case 'equal':
      return byStability(document, known)
    case 'older':
    case 'none':
      return withoutRecord(document, known)
  }
}

/**
 * The commit record is that of `committed`, or `committed` never had one. So `committed` is valid, unless the record of
 * `pending` has lost its marker.
 */
function byStability({ pending }: CheckpointDocument, { isUnstable, visible }: Known): Resolution {
  if (!isUnstable) return { kind: 'committed', record: nothing }
  if (pending === null) return { kind: 'committed', record: { kind: 'drop' } }
  if (visible === undefined) return { kind: 'needs-scan', since: pending.at - SCAN_MARGIN_MS }
  return visible.has('of pending') ? rewritten('pending', pending) : { kind: 'committed', record: { kind: 'drop' } }
}

/**
 * `committed` has no commit record: it had none, it expired or was deleted, its marker was lost, or Kafka lost data.
 */
function withoutRecord(document: CheckpointDocument, known: Known): Resolution {
  const { committed, pending } = document
  const mayHaveExpired = known.record === undefined && known.now - committed.at >= known.retentionMs
  const isMissing = committed.by === 'commit-record' && !mayHaveExpired
  // The record of `pending` may be gone for the same reasons, unless Kafka still has an older one.
  const isPendingOpen = pending !== null && known.record === undefined
  return isMissing || isPendingOpen ? byEvents(document, { ...known, isMissing }) : byStability(document, known)
}

/**
 * Decides by the visible events. If any event of `pending` is visible, `pending` is valid. Otherwise `committed` is
 * valid; but if its record is missing, and so are its last event and the newest one that compaction keeps, Kafka has
 * lost events.
 */
function byEvents({ committed, pending }: CheckpointDocument, known: Known & { isMissing: boolean }): Resolution {
  const { record, visible, isUnstable, isMissing } = known
  if (visible === undefined)
    return { kind: 'needs-scan', since: (isMissing ? committed.at : (pending ?? committed).at) - SCAN_MARGIN_MS }
  if (pending !== null && visible.has('of pending')) return rewritten('pending', pending)
  if (!isMissing) return { kind: 'committed', record: isUnstable ? { kind: 'drop' } : nothing }
  if (committed.state.events === 0 || visible.has('last of committed')) return rewritten('committed', committed)
  if (known.kept?.kind === 'none') return { ...rewritten('committed', committed), isUnproven: true }
  return hold(
    'checkpoint.events-lost',
    record === undefined
      ? `Kafka has neither the commit record nor the last event (${committed.state.events - 1}) of the committed state`
      : `the commit record in Kafka is older than the committed state, whose last event (${committed.state.events - 1}) is missing`,
  )
}

const rewritten = (kind: 'committed' | 'pending', { epoch, seq, nonce }: CommitRecord) =>
  ({ kind, record: { kind: 'rewrite', record: { epoch, seq, nonce } } }) as const

/** How the event with this number relates to the states of the document. Pure. */
export function matchOf(
  { committed, pending }: CheckpointDocument,
  { sequence, kept }: { readonly sequence: number | undefined; readonly kept: KeptEvent },
): EventMatch | undefined {
  const { events } = committed.state
  if (sequence === undefined) return undefined
  if (sequence === events - 1 || (kept.kind === 'event' && sequence === kept.number)) return 'last of committed'
  return pending !== null && sequence >= events && sequence < pending.change.events ? 'of pending' : undefined
}

function hold(code: ErrorCode, why: string): Resolution {
  return { kind: 'hold', code, why }
}
