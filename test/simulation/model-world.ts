import type { CheckpointDocument, StreamIdentity } from '../../connector/checkpoint/checkpoint-document.ts'
import { beginning, type StreamState } from '../../connector/checkpoint/stream-state.ts'
import type { Note } from '../../connector/publish/event-publisher.ts'
import type { ReadArguments, SourceTime } from '../../connector/source/client-source.ts'
import type { Bounds } from './model-bounds.ts'

/** One moment of everything that the delivery protocol depends on. Immutable; a document's version is its nonce. */
export interface World {
  /** Hours. */
  readonly now: number
  readonly document: CheckpointDocument | undefined
  readonly kafka: Kafka
  readonly agents: readonly Agent[]
  /** On their way to S3: each may arrive at any later time, or never, whether its sender lives or not. */
  readonly puts: readonly Put[]
  /** On their way to Kafka, likewise. */
  readonly ends: readonly End[]
  /** Times that a replica may still open the stream. */
  readonly openings: number
  /** Words that the placement may still say. */
  readonly moves: number
  /** Times that the stored document may still be deleted or replaced by its backup. */
  readonly mishaps: number
  /** Times that Kafka may still lose the end of a note. */
  readonly lostNotes: number
  readonly backup: CheckpointDocument | undefined
  readonly fault: string | undefined
}

/** From one up to another, which does not belong to them any more. */
export interface Pages {
  readonly from: number
  readonly to: number
}

export interface Kafka {
  /** The session that holds the transactional id; 0: none. */
  readonly producer: number
  readonly transaction: { readonly producer: number; readonly pages: Pages; readonly hasNote?: true } | undefined
  readonly note: Note | undefined
  /** Stored in a transaction that has no end yet, or has lost it. */
  readonly unstableNote: Note | undefined
  readonly losesNextNote: boolean
  readonly noteWrittenAt: number
  /** The page whose events readers must see next. */
  readonly next: number
  /** Events that readers have seen: the `sequence` of the next one (an operator may begin the count anew). */
  readonly published: number
}

type Purpose = 'claim' | 'prepare' | 'save' | 'leave' | 'set'

export interface Put {
  readonly document: CheckpointDocument
  /** The version that it is conditional on; null: absent; undefined: it is not conditional. */
  readonly expected: string | null | undefined
  readonly purpose: Purpose
}

/** The end of a transaction: decides events and note together. */
export interface End {
  readonly producer: number
  readonly pages: Pages
  readonly sequence: number
  readonly note: Note
}

export const PHASES = [
  'idle',
  'opening',
  /** The combination makes no sense: has the document moved? */
  'doubting',
  /** Kafka has not the note that goes with the truth. */
  'restoring',
  'writing',
  /** No plain success: what is stored? */
  'reading-back',
  'running',
  'deciding',
  'stopped',
] as const

/** A replica, or an operator's `checkpoint set`. */
export interface Agent {
  readonly role: 'replica' | 'operator'
  /** How far its clock is ahead, in hours. */
  readonly clockAhead: number
  /** What the placement has told it last. */
  readonly isAssigned: boolean
  /** Where a lost stream waits for a newer assignment: it was told so since it began to open. */
  readonly isToldAnew: boolean
  /** Likewise: it was taken over, and waits. */
  readonly isLost: boolean
  readonly phase: (typeof PHASES)[number]
  /** Steps of the opening that are done. */
  readonly opened: number
  /** Its session; 0: none. */
  readonly producer: number
  /** As it was read; once claimed: what holds. */
  readonly document: CheckpointDocument | undefined
  readonly version: string | null
  readonly note: Note | undefined
  /** Another note hangs, as it was read. */
  readonly isHanging: boolean
  /** The note that Kafka is to have. */
  readonly restore: Note | null
  /** The PUT that it waits for. */
  readonly put: Put | undefined
  readonly prepared: CheckpointDocument | undefined
  /** The next page to deliver. */
  readonly reached: number
  /** The pages of its transaction end before this one; 0: it has begun none. */
  readonly upTo: number
  /** Their events are stored in the open transaction. */
  readonly isSent: boolean
}

export const IDLE: Omit<Agent, 'role' | 'clockAhead' | 'isAssigned'> = {
  isToldAnew: false,
  isLost: false,
  phase: 'idle',
  opened: 0,
  producer: 0,
  document: undefined,
  version: null,
  note: undefined,
  isHanging: false,
  restore: null,
  put: undefined,
  prepared: undefined,
  reached: 0,
  upTo: 0,
  isSent: false,
}

export const HOUR = 3_600_000
/** Twice what resolve() allows for clocks that differ. */
export const RETENTION_HOURS = 2

/** Pages are numbered by the time of the next read. */
export function readsPage(page: number): ReadArguments {
  return { lastChanged: String(page) as SourceTime, checkPoint: null, limit: 1, output: 'json' }
}

export function pageOf(state: StreamState): number {
  return Number(state.resume.lastChanged)
}

export function stateAt(page: number, events: number): StreamState {
  return { ...beginning(readsPage(page)), events }
}

export const IDENTITY: StreamIdentity = {
  connector: 'model',
  stream: 'model',
  source: { url: '', codeMagasin: 0, prefixCle: null },
  destination: { clusterId: '', topic: '', partitions: 1 },
}

const firstKafka: Kafka = {
  ...{ producer: 0, transaction: undefined, next: 0, published: 0 },
  ...{ note: undefined, noteWrittenAt: 0, unstableNote: undefined, losesNextNote: false },
}

export function firstWorld(bounds: Bounds): World {
  return {
    now: 0,
    document: undefined,
    kafka: firstKafka,
    agents: firstAgents(bounds),
    puts: [],
    ends: [],
    openings: bounds.openings,
    moves: bounds.moves,
    mishaps: bounds.mishaps,
    lostNotes: bounds.lostNotes,
    backup: undefined,
    fault: undefined,
  }
}

/** Without words of the placement to come, everybody is assigned all the time. */
function firstAgents({ replicas, set, hours, moves }: Bounds): Agent[] {
  const agents: Agent[] = []
  for (let replica = 0; replica < replicas; replica += 1) {
    const clockAhead = hours === 0 ? 0 : replica % 2 === 0 ? 0.5 : -0.5
    agents.push({ ...IDLE, role: 'replica', clockAhead, isAssigned: moves === 0 || replica === 0 })
  }
  if (set !== undefined) agents.push({ ...IDLE, role: 'operator', clockAhead: 0, isAssigned: true })
  return agents
}
