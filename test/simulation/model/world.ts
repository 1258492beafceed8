import type { StoredStates } from '../../../connector/checkpoint/valid-state.ts'
import type { CommitRecord, FoundRecord } from '../../../connector/publish/event-publisher.ts'
import type { Bounds, Command } from './bounds.ts'

/**
 * A state of the model: all that the delivery of one stream depends on. The version of an object is its nonce. Sets of
 * pages are bit masks.
 */
export interface World {
  /** In half days. */
  readonly now: number
  readonly document: Document | undefined
  readonly wishes: Wishes | undefined
  readonly kafka: Kafka
  readonly replicas: readonly Replica[]
  readonly operators: readonly Operator[]
  /** Requests in flight: each may arrive at any later time, or never, even if its sender has crashed. */
  readonly puts: readonly Put[]
  readonly wishPuts: readonly WishPut[]
  readonly ends: readonly EndTransaction[]
  /** What may still happen. */
  readonly left: Left
  readonly backup: Document | undefined
  readonly seen: Seen
  /** A fault has happened after which a hold is justified. */
  readonly isDisturbed: boolean
  /** An operator was told that the stream is paused. */
  readonly isReportedPaused: boolean
  /** The last rewind that an operator wished. */
  readonly due: string | undefined
  readonly violation: string | undefined
}

type Left = Pick<Bounds, 'openings' | 'documentFaults' | 'lostMarkers' | 'deletions'>

/** Where the stream stands. */
export interface State {
  /** The page that is read next. */
  readonly next: number
  /** Pages that are not published again: the client index has their content, and no rewind has asked for them since. */
  readonly known: number
  /** Number of the next event. */
  readonly nextEvent: number
  /** The epoch in which the stream began, or in which a rewind has asked for all pages once more. */
  readonly generation: number
  /** Every rewind that was applied. */
  readonly rewinds: readonly string[]
}

type Decision = CommitRecord & { readonly at: number }

export interface Document extends StoredStates {
  readonly nonce: string
  readonly topic: number
  readonly epoch: number
  readonly hasOwner: boolean
  readonly appliedRewind: string | undefined
  readonly committed: Decision & { readonly expectsRecord: boolean; readonly state: State }
  readonly pending: (Decision & { readonly state: State }) | null
}

export interface Wishes {
  readonly id: string
  readonly paused: boolean
  readonly rewind: Rewind | undefined
}

export interface Rewind {
  readonly id: string
  readonly to: number
  readonly republish: boolean
  /** The version of the only document whose hold it cures; null: none. Undefined: it cures no hold. */
  readonly yes: string | null | undefined
}

export interface Put {
  readonly document: Document
  /** The version that it requires; null: no document; undefined: any. */
  readonly expected: string | null | undefined
  readonly purpose: 'claim' | 'prepare' | 'save' | 'leave'
  /** The rewind whose `yes` cures a hold over the document that was read; `repeats`: pages that may be seen twice. */
  readonly cure?: { readonly rewind: Rewind; readonly repeats: number } | undefined
}

export interface WishPut {
  readonly wishes: Wishes
  readonly expected: string | null
}

/** An EndTxn request that commits. */
export interface EndTransaction {
  readonly producer: string
}

/** Records that are stored in the open transaction: the events of pages, or tombstones. */
export type Sent =
  | { readonly kind: 'events'; readonly pages: number; readonly first: number; readonly generation: number }
  | { readonly kind: 'tombstones'; readonly by: number }

export interface Kafka {
  readonly topic: number
  /** The producer that owns the transactional id. */
  readonly producer: string
  readonly transaction: { readonly producer: string; readonly sent: Sent; readonly record?: CommitRecord } | undefined
  /** Lost their marker in the events topic: the next marker of the same producer id there applies to them too. */
  readonly hanging: readonly Sent[]
  readonly record: CommitRecord | undefined
  readonly recordAt: number
  /** A commit record whose transaction has lost its marker. */
  readonly unstable: CommitRecord | undefined
  readonly isEmpty: boolean
}

/** What readers of committed records have seen. */
export interface Seen {
  readonly generation: number
  /** Pages of this generation, and of all. */
  readonly pages: number
  readonly ever: number
  readonly events: number
  /** Operators whose tombstones are visible. */
  readonly erased: number
  /** The topic was deleted with events of this generation. */
  readonly isLost: boolean
}

export interface Replica {
  readonly phase:
    | 'idle'
    | 'opening'
    /** Document and commit record do not match: reads the document again, in case it has changed. */
    | 'checking'
    | 'repairing'
    | 'writing'
    /** Outcome of its PUT unknown: reads what is stored. */
    | 'reading back'
    | 'claimed'
    | 'running'
    | 'committing'
    | 'held'
    | 'paused'
  /** Complete steps of the opening. */
  readonly opened: number
  /** Half days by which its clock is ahead. */
  readonly ahead: number
  /** As read; once claimed, with the current state. */
  readonly document: Document | undefined
  readonly version: string | null
  readonly wishes: Wishes | undefined
  readonly producer: string | undefined
  readonly foundRecord: FoundRecord | undefined
  readonly seesHanging: boolean
  readonly put: Put | undefined
  readonly isPrepared: boolean
  readonly isSent: boolean
  /** The current state is stored as committed. */
  readonly isSaved: boolean
  /** Ends its run when the transaction in hand is decided. */
  readonly isLeaving: boolean
  /** Only with a defect: the state up to which it has read before it opened. */
  readonly kept: State | undefined
}

export interface Operator {
  readonly command: Command
  readonly phase:
    | 'due'
    | 'writing'
    | 'waiting'
    | 'looking'
    | 'sending'
    | 'committing'
    | 'confirming'
    | 'asking'
    | 'done'
  /** The wish that it writes. */
  readonly wishes: Wishes | undefined
  readonly expected: string | null
  readonly producer: string | undefined
}

export const IDLE: Omit<Replica, 'ahead'> = {
  phase: 'idle',
  opened: 0,
  document: undefined,
  version: null,
  wishes: undefined,
  producer: undefined,
  foundRecord: undefined,
  seesHanging: false,
  put: undefined,
  isPrepared: false,
  isSent: false,
  isSaved: false,
  isLeaving: false,
  kept: undefined,
}

export function firstWorld(bounds: Bounds): World {
  const { replicas, commands, halfDays, openings, documentFaults, lostMarkers, deletions } = bounds
  const ahead = (replica: number) => (halfDays === 0 ? 0 : replica % 2 === 0 ? 0.5 : -0.5)
  const operator = (command: Command): Operator => ({
    command,
    phase: 'due',
    wishes: undefined,
    expected: null,
    producer: undefined,
  })
  return {
    now: 0,
    document: undefined,
    wishes: undefined,
    kafka: {
      topic: 1,
      producer: 'p0',
      transaction: undefined,
      hanging: [],
      record: undefined,
      recordAt: 0,
      unstable: undefined,
      isEmpty: true,
    },
    replicas: Array.from({ length: replicas }, (_, replica) => ({ ...IDLE, ahead: ahead(replica) })),
    operators: commands.map(operator),
    puts: [],
    wishPuts: [],
    ends: [],
    left: { openings, documentFaults, lostMarkers, deletions },
    backup: undefined,
    seen: { generation: 0, pages: 0, ever: 0, events: 0, erased: 0, isLost: false },
    isDisturbed: false,
    isReportedPaused: false,
    due: undefined,
    violation: undefined,
  }
}

export const versionOf = ({ document }: World): string | null => document?.nonce ?? null
