import type { CheckpointDocument, StreamIdentity } from '../../../connector/checkpoint/checkpoint-document.ts'
import { beginning, type StreamState } from '../../../connector/checkpoint/stream-state.ts'
import type { CommitRecord } from '../../../connector/publish/event-publisher.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { wallClock } from '../../../connector/source/source-time.ts'
import type { RewriteRequest } from '../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import type { Bounds } from './bounds.ts'

/** A state of the model: everything that the delivery protocol depends on. The version of a document is its nonce. */
export interface World {
  /** In hours. */
  readonly now: number
  readonly document: CheckpointDocument | undefined
  readonly kafka: Kafka
  readonly agents: readonly Agent[]
  /** PUTs in flight: each may arrive at any later time, or never, even if its sender has crashed. */
  readonly puts: readonly Put[]
  /** Commits in flight, likewise. */
  readonly commits: readonly CommitRequest[]
  /** How often replicas may still open the stream. */
  readonly openings: number
  /** How often the placement may still assign the stream to a replica or revoke it. */
  readonly assignmentChanges: number
  /** How often the stored document may still be deleted or replaced by its backup. */
  readonly documentFaults: number
  /** How often Kafka may still lose a transaction marker. */
  readonly lostMarkers: number
  /** How often the group's offsets, or the topic with its events, may still be deleted. */
  readonly kafkaDeletions: number
  readonly backup: CheckpointDocument | undefined
  readonly violation: string | undefined
}

/** Pages `from` (inclusive) to `to` (exclusive). */
export interface Pages {
  readonly from: number
  readonly to: number
}

/** Pages whose events are stored, and the `sequence` of the first event. */
export interface Sent {
  readonly pages: Pages
  readonly sequence: number
}

export interface Kafka {
  /** The producer that owns the transactional id; 0: none. */
  readonly producer: number
  readonly transaction: (Sent & { readonly producer: number; readonly hasRecord?: true }) | undefined
  /** Transactions that lost their marker in the events topic: the next marker applies to them too. */
  readonly hanging: readonly Sent[]
  readonly losesNextMarker: boolean
  /** The last commit record. */
  readonly record: CommitRecord | undefined
  /** A commit record stored in a transaction whose marker is missing or lost. */
  readonly unstable: CommitRecord | undefined
  readonly losesNextRecordMarker: boolean
  readonly recordWrittenAt: number
  /** The id of the events topic; 0: it does not exist. */
  readonly topic: number
  /** How many topics were created. */
  readonly topics: number
  /** A topic with events was deleted. */
  readonly hasLostEvents: boolean
  /** The page whose events readers must see next. */
  readonly next: number
  /** Number of events that readers have seen: the `sequence` of the next one. An operator may reset it. */
  readonly published: number
}

type Purpose = 'claim' | 'prepare' | 'save' | 'leave' | 'set'

export interface Put {
  readonly document: CheckpointDocument
  /** The version that it requires; null: no document; undefined: unconditional. */
  readonly expected: string | null | undefined
  readonly purpose: Purpose
}

/** An EndTxn request: commits the events and the commit record together. */
export interface CommitRequest extends Sent {
  readonly producer: number
  readonly record: CommitRecord
}

export const PHASES = [
  'idle',
  'opening',
  /** Document and commit record do not match: reads the document again, in case it has changed. */
  'rechecking',
  /** Repairs lost markers. */
  'repairing',
  'writing',
  /** Outcome of the PUT unknown or a conflict: reads what is stored. */
  'reading-back',
  'running',
  'committing',
  'stopped',
] as const

/** A replica, or an operator's `checkpoint set`. */
export interface Agent {
  readonly role: 'replica' | 'operator'
  /** Hours by which its clock is ahead. */
  readonly clockAhead: number
  /** According to the last assignment that it received. */
  readonly isAssigned: boolean
  /** Only if a lost stream waits for a newer assignment: assigned again since it started to open. */
  readonly isReassigned: boolean
  /** Likewise: fenced by another replica, waits for a newer assignment. */
  readonly isLost: boolean
  readonly phase: (typeof PHASES)[number]
  /** How many steps of the opening are complete. */
  readonly opened: number
  /** Its producer; 0: none. */
  readonly producer: number
  /** As it was read; after the claim, the current state. */
  readonly document: CheckpointDocument | undefined
  readonly version: string | null
  readonly record: CommitRecord | undefined
  /** When read, another commit record had no marker. */
  readonly isUnstable: boolean
  /** When read, the events topic had a hanging transaction. */
  readonly seesHanging: boolean
  /** Its PUT in flight. */
  readonly put: Put | undefined
  readonly prepared: CheckpointDocument | undefined
  /** The next page to deliver. */
  readonly reached: number
  /** End (exclusive) of the pages of its transaction; 0: no transaction. */
  readonly upTo: number
  /** The events of these pages are stored in the open transaction. */
  readonly isSent: boolean
}

export const IDLE: Omit<Agent, 'role' | 'clockAhead' | 'isAssigned'> = {
  isReassigned: false,
  isLost: false,
  phase: 'idle',
  opened: 0,
  producer: 0,
  document: undefined,
  version: null,
  record: undefined,
  isUnstable: false,
  seesHanging: false,
  put: undefined,
  prepared: undefined,
  reached: 0,
  upTo: 0,
  isSent: false,
}

export const HOUR = 3_600_000
/** Twice the clock difference that `resolveState` allows for. */
export const RETENTION_HOURS = 2

/** Pages are read in the order of their times: one a second. */
const TIME_ZONE = 'UTC'
const PAGE = 1_000
const timeOf = (page: number): SourceTime => wallClock(page * PAGE, TIME_ZONE)

export function pageOf({ scans }: Pick<StreamState, 'scans'>): number {
  return (scans.live.startedAt ?? 0) / PAGE
}

/** The state in which this page is read next. */
export function stateAt(page: number, events: number): StreamState {
  return { ...beginning, events, scans: { ...newScans, live: { startedAt: page * PAGE, scan: null } } }
}

/** An operator sets the stream to a page. */
export function setTo(page: number): RewriteRequest {
  return { to: { kind: 'skip', from: timeOf(page) }, republish: true, timeZone: TIME_ZONE }
}

const IDENTITY: StreamIdentity = {
  connector: 'model',
  stream: 'model',
  eventSource: '/polaris/model/model',
  source: { url: '', codeMagasin: 0, prefixCle: null },
  destination: { clusterId: '', topic: '', topicId: '1', partitions: 1 },
}

/** The identity that a replica finds in Kafka. */
export function identityIn({ topic }: Kafka): StreamIdentity {
  return { ...IDENTITY, destination: { ...IDENTITY.destination, topicId: String(topic) } }
}

const firstKafka: Kafka = {
  ...{ producer: 0, transaction: undefined, next: 0, published: 0 },
  ...{ hanging: [], losesNextMarker: false, topic: 1, topics: 1, hasLostEvents: false },
  ...{ record: undefined, recordWrittenAt: 0, unstable: undefined, losesNextRecordMarker: false },
}

export function firstWorld(bounds: Bounds): World {
  return {
    now: 0,
    document: undefined,
    kafka: firstKafka,
    agents: firstAgents(bounds),
    puts: [],
    commits: [],
    openings: bounds.openings,
    assignmentChanges: bounds.assignmentChanges,
    documentFaults: bounds.documentFaults,
    lostMarkers: bounds.lostMarkers,
    kafkaDeletions: bounds.kafkaDeletions,
    backup: undefined,
    violation: undefined,
  }
}

/** Without assignment changes, all replicas are assigned all the time. */
function firstAgents({ replicas, set, hours, assignmentChanges }: Bounds): Agent[] {
  const agents: Agent[] = []
  for (let replica = 0; replica < replicas; replica += 1) {
    const clockAhead = hours === 0 ? 0 : replica % 2 === 0 ? 0.5 : -0.5
    agents.push({ ...IDLE, role: 'replica', clockAhead, isAssigned: assignmentChanges === 0 || replica === 0 })
  }
  if (set !== undefined) agents.push({ ...IDLE, role: 'operator', clockAhead: 0, isAssigned: true })
  return agents
}
