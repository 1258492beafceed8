import { isWithdrawnOnRequest } from '../../index/index-entry.ts'
import type { ClientRecord, FoundClient } from './find-client.ts'

/** `unknown`: the stream has never seen the client. */
export const standings = ['published', 'dead-letter', 'erased', 'removed', 'unknown'] as const
export type Standing = (typeof standings)[number]

/** What full scans say. `unasked`: none has missed it; Polaris cannot be asked for a single client. */
export const sources = ['unasked', 'missed-once', 'gone'] as const

/** What is left of the client in the topics and in the control object. */
export interface Remainder {
  /** Records with a value: its data. */
  readonly values: readonly ClientRecord[]
  /** Records without: its id. */
  readonly tombstones: readonly ClientRecord[]
  readonly deadLetters: readonly ClientRecord[]
}

/** By the pending transaction, which is likely to be committed, else by the committed state. Pure. */
export function standingOf(found: FoundClient): Standing {
  const entry = found.entries.pending ?? found.entries.committed
  if (entry === undefined) return found.hasErasureMark ? 'erased' : 'unknown'
  if (isWithdrawnOnRequest(entry)) return 'erased'
  if (entry.mark === 'withdrawn-gone') return 'removed'
  return entry.isDeadLetter ? 'dead-letter' : 'published'
}

/** Pure. */
export function sourceOf({ entries: { pending, committed } }: FoundClient): (typeof sources)[number] {
  const mark = (pending ?? committed)?.mark
  if (mark === 'missing') return 'missed-once'
  return mark === 'gone' || mark === 'withdrawn-gone' || mark === 'withdrawn-absent' ? 'gone' : 'unasked'
}

/** Pure. */
export function remainderOf({ records, deadLetters }: FoundClient): Remainder {
  return {
    values: records.filter(({ kind }) => kind !== 'tombstone'),
    tombstones: records.filter(({ kind }) => kind === 'tombstone'),
    deadLetters,
  }
}

export const isNothing = ({ values, tombstones, deadLetters }: Remainder): boolean =>
  values.length + tombstones.length + deadLetters.length === 0
