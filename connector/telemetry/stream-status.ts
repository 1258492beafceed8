import type { IndexSize, PipelineEvent } from '../pipeline/pipeline-event.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ScanStates } from '../scan/scan-state.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import { clientsOf, type WatchedScans, watchedScans } from './scan-status.ts'

/**
 * `waiting`: not assigned here, as on a hot standby. `group-unreachable`: waits until the consumer group answers.
 * `source-down`, `throttled`: waits for its server, which fails or asks to wait. `held`: waits until something outside
 * changes. `lost`: another replica owns it. `paused`: by an operator.
 */
export const streamPhases = [
  'waiting',
  'group-unreachable',
  'opening',
  'running',
  'source-down',
  'throttled',
  'retrying',
  'held',
  'lost',
  'ended',
  'paused',
] as const
export type StreamPhase = (typeof streamPhases)[number]

/** The state of one stream, from its events. Times are of `Clock.monotonic`. */
export interface StreamStatus {
  readonly state: StreamPhase
  /** When the replica started to run the stream; progress is due from then on. */
  readonly startedAt: number
  readonly wasOpened: boolean
  /** False for an idle stream, which polls but has no open Kafka producer. */
  readonly hasProducer: boolean
  readonly isCaughtUp: boolean
  /** When the last page was read. */
  readonly goodPollAt: number | undefined
  /** When the last page was delivered: a stream that reads but cannot publish makes no progress. */
  readonly progressAt: number | undefined
  readonly savedAt: number | undefined
  /** When the last live scan was delivered completely. */
  readonly liveScanAt: number | undefined
  /** The last failure since the last progress. */
  readonly failure: ErrorCode | undefined
  /** Its message, if it is an error of the connector: it names what was seen, and no personal data (invariant 8). */
  readonly failureSeen: string | undefined
  /** The first failure since the last progress. */
  readonly failingSince: number | undefined
  /** Only in state `paused`. */
  readonly pause: Pause | undefined
  readonly epoch: number | undefined
  readonly seq: number | undefined
  /** From where the last live scan has read. */
  readonly lastChanged: string | undefined
  readonly scans: WatchedScans | undefined
  readonly index: IndexSize | undefined
  /** When the certificates of the last connection to Polaris expire, milliseconds since 1970. */
  readonly certificates: CertificateExpiries
  readonly totals: StreamTotals
}

interface Pause {
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly requestedAt: number
  readonly requestedBy: string
}

type CertificateExpiries = Readonly<Partial<Record<EventOf<'certificate-seen'>['certificate'], number>>>

/** Since the process started. clients = events + deadLetters + suppressed + superseded + clients being delivered. */
interface StreamTotals {
  readonly pages: number
  readonly clients: number
  readonly events: number
  readonly deadLetters: number
  readonly suppressed: number
  readonly superseded: number
}

const noFailure = { failure: undefined, failureSeen: undefined, failingSince: undefined } as const

export const unobserved: StreamStatus = {
  state: 'waiting',
  startedAt: 0,
  wasOpened: false,
  hasProducer: false,
  isCaughtUp: false,
  goodPollAt: undefined,
  progressAt: undefined,
  savedAt: undefined,
  liveScanAt: undefined,
  ...noFailure,
  pause: undefined,
  epoch: undefined,
  seq: undefined,
  lastChanged: undefined,
  scans: undefined,
  index: undefined,
  certificates: {},
  totals: { pages: 0, clients: 0, events: 0, deadLetters: 0, suppressed: 0, superseded: 0 },
}

/** Whether this replica runs the stream, is opening it or holds it. */
export function isActive({ state }: StreamStatus): boolean {
  return !['waiting', 'lost', 'ended', 'paused'].includes(state)
}

/** The status after `event`, which happened at `at` (`Clock.monotonic`). */
export function streamStatus(before: StreamStatus, event: PipelineEvent, at: number): StreamStatus {
  const change = byKind(changes, event)
  return change === none ? before : { ...before, ...change(before, at) }
}

type Change = (before: StreamStatus, at: number) => Partial<StreamStatus>
const none: Change = () => ({}) // compared by identity: avoids a copy for frequent events
const closed = { isCaughtUp: false, hasProducer: false } as const
const to = (change: Partial<StreamStatus>) => (): Partial<StreamStatus> => change

const changes: ByKind<Change> = {
  'group-unreachable': groupUnreachable,
  'group-reachable': () => none,
  'stream-opening': () => opening,
  'control-awaited': controlAwaited,
  'stream-paused':
    ({ reason, requestedAt, requestedBy }) =>
    () => ({ state: 'paused', pause: { reason, requestedAt, requestedBy }, ...closed, ...noFailure }),
  'pause-unsettled': () => none,
  'pause-ended': () => to({ state: 'waiting', pause: undefined }),
  'stream-claimed': streamClaimed,
  'producer-closed': () => to({ hasProducer: false }),
  'transactions-repaired': () => none,
  'taken-over': () => none,
  'source-moved': () => none,
  'partitions-grown': () => none,
  'field-detected': () => none,
  'scan-started': ({ scan, lastChanged }) => (scan === 'live' ? to({ lastChanged }) : none),
  'page-read': pageRead,
  'list-ambiguous': () => none,
  'certificate-seen':
    ({ certificate, expiresAt }) =>
    ({ certificates }) => ({ certificates: { ...certificates, [certificate]: expiresAt } }),
  'characters-replaced': () => none,
  'request-waited': () => none,
  'read-retried': (event) => failing(event, {}),
  'read-recovered': () => none,
  'source-waiting': sourceWaiting,
  'probe-failed': ({ code }) => to({ failure: code }),
  'source-resumed': () => sourceResumed,
  'caught-up': () => (_, at) => ({ isCaughtUp: true, liveScanAt: at }),
  'fell-behind': () => to({ isCaughtUp: false }),
  'pages-published': pagesPublished,
  'checkpoint-saved': () => (_, at) => ({ savedAt: at }),
  'server-clock-missing': () => none,
  'server-clock-jumped': () => none,
  'segment-written': () => none,
  'index-upkeep-failed': () => none,
  'segments-missing': () => none,
  'checkpoint-refused': () => none,
  'scan-paused': () => none,
  'scan-stuck': () => none,
  'limit-lowered': () => none,
  'scans-not-interleaved': () => none,
  'scan-done': () => none,
  'late-changes': () => none,
  'fields-keep-changing': () => none,
  'stream-retrying': (event) => failing(event, { state: 'retrying', ...closed }),
  'stream-lost': () => to({ state: 'lost', isCaughtUp: false, hasProducer: false }),
  'stream-held': (event) => failing(event, { state: 'held', ...closed }),
  'stream-still-held': ({ code }) => to({ failure: code }),
  'stream-resuming': () => none,
  'stream-failed': (event) => failing(event, { state: 'ended', ...closed }),
  'stream-ended': () => to({ state: 'ended', ...closed }),
}

function failing({ code, error }: { code: ErrorCode; error: unknown }, change: Partial<StreamStatus>): Change {
  const failureSeen = error instanceof ConnectorError ? error.message : undefined
  return ({ failingSince }, at) => ({
    ...change,
    ...{ failure: code, failureSeen, failingSince: failingSince ?? at },
  })
}

/** Reopening after a failure resets no times: overdue progress stays overdue. */
function opening(before: StreamStatus, at: number): Partial<StreamStatus> {
  if (isActive(before)) return { state: 'opening' }
  const nothingYet = { goodPollAt: undefined, progressAt: undefined, savedAt: undefined, liveScanAt: undefined }
  return { ...nothingYet, ...noFailure, scans: undefined, index: undefined, state: 'opening', startedAt: at }
}

function controlAwaited({ failure }: EventOf<'control-awaited'>): Change {
  if (failure === undefined) return opening
  const failed = failing({ code: codeOf(failure), error: failure }, { state: 'retrying' })
  return (before, at) => ({ ...opening(before, at), ...failed(before, at) })
}

function groupUnreachable({ code }: EventOf<'group-unreachable'>): Change {
  return (before, at) => ({
    ...opening(before, at),
    ...{ state: 'group-unreachable', failure: code, failureSeen: undefined, ...closed },
  })
}

/** An idle stream that reopens its producer is still caught up; any other opening must catch up first. */
function streamClaimed({ epoch, seq }: EventOf<'stream-claimed'>): Change {
  return ({ isCaughtUp }, at) => ({
    ...{ state: 'running', wasOpened: true, hasProducer: true, isCaughtUp, savedAt: at },
    ...{ epoch, seq },
  })
}

const readingPhases: ReadonlySet<StreamPhase> = new Set(['running', 'source-down', 'throttled'])

function sourceWaiting({ state, code }: EventOf<'source-waiting'>): Change {
  return (before) => (readingPhases.has(before.state) ? { state, failure: code } : {})
}

function sourceResumed({ state }: StreamStatus): Partial<StreamStatus> {
  return readingPhases.has(state) ? { state: 'running' } : {}
}

function pageRead({ clients }: EventOf<'page-read'>): Change {
  return ({ totals }, at) => ({
    goodPollAt: at,
    totals: { ...totals, pages: totals.pages + 1, clients: totals.clients + clients },
  })
}

function pagesPublished(event: EventOf<'pages-published'>): Change {
  const { scans, deadLetters, seq, states, index } = event
  const events = clientsOf(scans, 'events')
  const hasCommitted = events + deadLetters > 0 // a page group with nothing to publish commits nothing
  return (before, at) => ({
    progressAt: at,
    ...noFailure,
    savedAt: hasCommitted ? at : before.savedAt,
    liveScanAt: hasLiveScanEnded(before.scans?.states, states) ? at : before.liveScanAt,
    seq,
    scans: watchedScans(before.scans, states, at),
    index,
    totals: {
      ...before.totals,
      events: before.totals.events + events,
      deadLetters: before.totals.deadLetters + deadLetters,
      suppressed: before.totals.suppressed + clientsOf(scans, 'suppressed'),
      superseded: before.totals.superseded + clientsOf(scans, 'superseded'),
    },
  })
}

/** A live scan that continues in the background has not ended. */
function hasLiveScanEnded(before: ScanStates | undefined, { live, background }: ScanStates): boolean {
  if (before === undefined || before.live.startedAt === live.startedAt) return false
  return !background.some(({ kind, startedAt }) => kind === 'live' && startedAt === live.startedAt)
}
