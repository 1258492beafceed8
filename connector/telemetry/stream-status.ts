import type { PipelineEvent } from '../pipeline/pipeline-event.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'

/** `waiting`: nobody asked this replica to run it, as on a hot standby. `lost`: another replica has it. */
export const streamStates = ['waiting', 'opening', 'running', 'retrying', 'stopped', 'lost', 'ended'] as const
export type StreamState = (typeof streamStates)[number]

/** Where one stream is, as its events told. Moments are those of `Clock.monotonic`. */
export interface StreamStatus {
  readonly state: StreamState
  /** When the replica was asked to run it: what has not been done yet is late since then. */
  readonly begunAt: number
  readonly wasOpened: boolean
  /** Whether it has a session with Kafka; without one it polls all the same, as long as there is nothing to publish. */
  readonly hasSession: boolean
  readonly isCaughtUp: boolean
  /** The last page read. */
  readonly goodPollAt: number | undefined
  /** The last page done: a stream that reads and never gets its clients through is not well. */
  readonly progressAt: number | undefined
  readonly savedAt: number | undefined
  /** The last failure since the last progress. */
  readonly trouble: ErrorCode | undefined
  readonly epoch: number | undefined
  readonly seq: number | undefined
  readonly lastChanged: string | undefined
  readonly totals: StreamTotals
}

/** Since the process started: clients = events + dead letters + suppressed, but for what is on its way. */
export interface StreamTotals {
  readonly pages: number
  readonly clients: number
  readonly events: number
  readonly deadLetters: number
  readonly suppressed: number
}

export const unobserved: StreamStatus = {
  state: 'waiting',
  begunAt: 0,
  wasOpened: false,
  hasSession: false,
  isCaughtUp: false,
  goodPollAt: undefined,
  progressAt: undefined,
  savedAt: undefined,
  trouble: undefined,
  epoch: undefined,
  seq: undefined,
  lastChanged: undefined,
  totals: { pages: 0, clients: 0, events: 0, deadLetters: 0, suppressed: 0 },
}

/** Whether this replica is to run the stream and nothing ended that. */
export function isActive({ state }: StreamStatus): boolean {
  return state === 'opening' || state === 'running' || state === 'retrying'
}

/** The status after `event`, which happened at `at` (`Clock.monotonic`). */
export function streamStatus(before: StreamStatus, event: PipelineEvent, at: number): StreamStatus {
  const change = byKind(changes, event)
  return change === none ? before : { ...before, ...change(before, at) }
}

type Change = (before: StreamStatus, at: number) => Partial<StreamStatus>
const none: Change = () => ({}) // told apart: one event per client is among them
const to = (change: Partial<StreamStatus>) => (): Partial<StreamStatus> => change

const changes: ByKind<Change> = {
  'stream-opening': () => opening,
  'stream-claimed': streamClaimed,
  'session-closed': () => to({ hasSession: false }),
  'taken-over': () => none,
  'setting-ignored': () => none,
  'source-moved': () => none,
  'partitions-grown': () => none,
  'field-detected': () => none,
  'drain-started': ({ lastChanged }) => to({ lastChanged }),
  'page-read': pageRead,
  'list-ambiguous': () => none,
  'request-waited': () => none,
  'read-retried': ({ code }) => to({ trouble: code }),
  'caught-up': () => to({ isCaughtUp: true }),
  'fell-behind': () => to({ isCaughtUp: false }),
  'group-published': groupPublished,
  'checkpoint-saved': () => (_, at) => ({ savedAt: at }),
  lateness: () => none,
  'lateness-high': () => none,
  'window-overflowed': () => none,
  'server-clock-missing': () => none,
  'checkpoint-refused': () => none,
  'fields-keep-changing': () => none,
  'stream-retrying': ({ code }) => to({ state: 'retrying', trouble: code, isCaughtUp: false, hasSession: false }),
  'stream-lost': () => to({ state: 'lost', isCaughtUp: false, hasSession: false }),
  'stream-stopped': ({ code }) => to({ state: 'stopped', trouble: code, isCaughtUp: false, hasSession: false }),
  'stream-ended': () => to({ state: 'ended', isCaughtUp: false, hasSession: false }),
}

/** Opening again after a failure is no fresh start: what was late stays late. */
function opening(before: StreamStatus, at: number): Partial<StreamStatus> {
  if (isActive(before)) return { state: 'opening' }
  const nothingYet = { goodPollAt: undefined, progressAt: undefined, savedAt: undefined, trouble: undefined }
  return { ...nothingYet, state: 'opening', begunAt: at }
}

/** An idle stream that wakes up goes on where it was; after anything else it has to catch up. */
function streamClaimed({ epoch, seq, lastChanged }: EventOf<'stream-claimed'>): Change {
  return ({ isCaughtUp }, at) => ({
    ...{ state: 'running', wasOpened: true, hasSession: true, isCaughtUp, savedAt: at },
    ...{ epoch, seq, lastChanged },
  })
}

function pageRead({ clients }: EventOf<'page-read'>): Change {
  return ({ totals }, at) => ({
    goodPollAt: at,
    totals: { ...totals, pages: totals.pages + 1, clients: totals.clients + clients },
  })
}

function groupPublished({ events, deadLetters, suppressed, seq }: EventOf<'group-published'>): Change {
  const decided = events + deadLetters > 0 // with nothing to publish there was nothing to decide
  return ({ totals, savedAt }, at) => ({
    progressAt: at,
    trouble: undefined,
    savedAt: decided ? at : savedAt,
    seq,
    totals: {
      ...totals,
      events: totals.events + events,
      deadLetters: totals.deadLetters + deadLetters,
      suppressed: totals.suppressed + suppressed,
    },
  })
}
