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
  readonly isCaughtUp: boolean
  /** The last page read. */
  readonly goodPollAt: number | undefined
  /** The last page read whose clients are not known to hang in publishing: what the watchdog looks at. */
  readonly progressAt: number | undefined
  readonly savedAt: number | undefined
  /** The last failure since the last progress. */
  readonly trouble: ErrorCode | undefined
  /** Since the last opening. */
  readonly session: { readonly drains: number; readonly isSettled: boolean }
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

const noSession = { drains: 0, isSettled: false }

export const unobserved: StreamStatus = {
  state: 'waiting',
  begunAt: 0,
  wasOpened: false,
  isCaughtUp: false,
  goodPollAt: undefined,
  progressAt: undefined,
  savedAt: undefined,
  trouble: undefined,
  session: noSession,
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
  return { ...before, ...byKind(changes, event)(before, at) }
}

type Change = (before: StreamStatus, at: number) => Partial<StreamStatus>
const none: Change = () => ({})
const to = (change: Partial<StreamStatus>) => (): Partial<StreamStatus> => change

const changes: ByKind<Change> = {
  'stream-opening': () => opening,
  'stream-claimed':
    ({ epoch, seq, lastChanged }) =>
    (_, at) => ({ state: 'running', wasOpened: true, isCaughtUp: false, savedAt: at, epoch, seq, lastChanged }),
  'taken-over': () => none,
  'setting-ignored': () => none,
  'source-moved': () => none,
  'partitions-grown': () => none,
  'field-detected': () => none,
  'drain-started': drainStarted,
  'page-read': pageRead,
  'list-ambiguous': () => none,
  'read-retried': ({ code }) => to({ trouble: code }),
  'caught-up': () => (before, at) => ({ ...settled(before, at), isCaughtUp: true }),
  'fell-behind': () => to({ isCaughtUp: false }),
  'group-published': groupPublished,
  'checkpoint-saved': () => (_, at) => ({ savedAt: at }),
  lateness: () => none,
  'lateness-high': () => none,
  'window-overflowed': () => none,
  'server-clock-missing': () => none,
  'checkpoint-refused': () => none,
  'fields-keep-changing': () => none,
  'stream-retrying': ({ code }) => to({ state: 'retrying', trouble: code }),
  'stream-lost': () => to({ state: 'lost', isCaughtUp: false }),
  'stream-stopped': ({ code }) => to({ state: 'stopped', trouble: code, isCaughtUp: false }),
  'stream-ended': () => to({ state: 'ended', isCaughtUp: false }),
}

/** Opening again after a failure is no fresh start: what was late stays late. */
function opening(before: StreamStatus, at: number): Partial<StreamStatus> {
  if (isActive(before)) return { state: 'opening', session: noSession }
  const nothingYet = { goodPollAt: undefined, progressAt: undefined, savedAt: undefined, trouble: undefined }
  return { ...nothingYet, state: 'opening', session: noSession, begunAt: at }
}

/** A page with clients is progress once this session got clients through: else a stream that reads and never publishes would look well. */
function pageRead({ clients }: EventOf<'page-read'>): Change {
  return (before, at) => ({
    goodPollAt: at,
    ...(before.session.isSettled || clients === 0 ? { progressAt: at, trouble: undefined } : {}),
    totals: { ...before.totals, pages: before.totals.pages + 1, clients: before.totals.clients + clients },
  })
}

/** With the next page fetched ahead, the third drain of a session proves that the first is done. */
function drainStarted({ lastChanged }: EventOf<'drain-started'>): Change {
  return ({ session }) => ({
    lastChanged,
    session: { drains: session.drains + 1, isSettled: session.isSettled || session.drains >= 2 },
  })
}

function groupPublished({ events, deadLetters, suppressed, seq }: EventOf<'group-published'>): Change {
  return (before, at) => ({
    ...settled(before, at),
    savedAt: at,
    seq,
    totals: {
      ...before.totals,
      events: before.totals.events + events,
      deadLetters: before.totals.deadLetters + deadLetters,
      suppressed: before.totals.suppressed + suppressed,
    },
  })
}

function settled({ session }: StreamStatus, at: number): Partial<StreamStatus> {
  return { session: { ...session, isSettled: true }, progressAt: at, trouble: undefined }
}
