import type { FoundRecord, RecordKey } from '../publish/event-publisher.ts'
import { compareRecords } from './checkpoint-document.ts'

/** A decided or prepared state, as far as it matters for which one is valid. */
interface Decided extends RecordKey {
  /** When it was prepared, in ms since 1970 by the writer's clock. A save or a claim does not renew it. */
  readonly at: number
}

/** The states of a stored document. */
export interface StoredStates {
  readonly committed: Decided & {
    /** Kafka should hold a commit record for it. */
    readonly hasRecord: boolean
  }
  readonly pending: Decided | null
}

/** What is known of a stream beside its document. */
export interface KnownOfStream {
  readonly found: FoundRecord
  /** The topic is empty, or has records of other writers on purpose. */
  readonly mayBegin: boolean
  /** ms since 1970 */
  readonly now: number
}

/** Which state is valid. */
export type ValidState =
  | { readonly kind: 'new' | 'pending' }
  /** `hasRecord`: its commit record was found. */
  | { readonly kind: 'committed'; readonly hasRecord: boolean }
  | { readonly kind: 'hold'; readonly code: HoldCode; readonly why: string }

type HoldCode = `checkpoint.${'damaged' | 'topic-in-use' | 'undecided' | 'events-lost' | 'rolled-back'}`

/** Kafka keeps commit records at least this long; the clocks of two replicas differ by much less. */
export const DAY_MS = 86_400_000

/**
 * Determines the valid state by the table in the design. The topic is never read for it. Invariant 2: the commit record
 * becomes visible together with the events, or not at all. Pure.
 */
export function validState(states: StoredStates | undefined, { found, mayBegin, now }: KnownOfStream): ValidState {
  if (states === undefined) {
    if (found.kind !== 'none')
      return hold('checkpoint.damaged', 'the checkpoint document is missing, but Kafka has a commit record')
    return mayBegin
      ? { kind: 'new' }
      : hold('checkpoint.topic-in-use', 'there is no checkpoint, but the topic has records')
  }
  return found.kind === 'record' ? byRecord(states, found.record) : withoutRecord(states, found.kind, now)
}

function byRecord({ committed, pending }: StoredStates, record: RecordKey): ValidState {
  if (pending !== null && compareRecords(record, pending) === 'equal') return { kind: 'pending' }
  switch (compareRecords(record, committed)) {
    case 'equal':
      return { kind: 'committed', hasRecord: true }
    case 'older':
      return committed.hasRecord
        ? hold('checkpoint.events-lost', 'the commit record in Kafka is older than the committed state')
        : { kind: 'committed', hasRecord: false }
    case 'newer':
      return hold('checkpoint.rolled-back', 'the commit record in Kafka is newer than both states of the document')
    case 'different':
      return hold(
        'checkpoint.rolled-back',
        'the commit record in Kafka has the epoch and number of the committed state, but another nonce',
      )
  }
}

function withoutRecord({ committed, pending }: StoredStates, why: 'none' | 'unstable', now: number): ValidState {
  if (pending === null) return { kind: 'committed', hasRecord: false }
  if (why === 'unstable')
    return hold('checkpoint.undecided', 'the commit record has lost its transaction marker, and a state is pending')
  const isOld = ({ at }: Decided) => now - at >= DAY_MS
  // The record of `pending` cannot have expired, and that of `committed` is missing for a known reason.
  if ((!committed.hasRecord || isOld(committed)) && !isOld(pending)) return { kind: 'committed', hasRecord: false }
  return hold('checkpoint.undecided', 'Kafka has no commit record, and a state is pending')
}

function hold(code: HoldCode, why: string): ValidState {
  return { kind: 'hold', code, why }
}
