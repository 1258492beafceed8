import type { PipelineEvent } from '../pipeline/pipeline-event.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { ScanStates } from '../scan/scan-state.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import { type Failure, failureOf } from './failure.ts'
import { clientsOf, watchedScans } from './scan-status.ts'
import { isActive, isReading, noFailure, type StreamStatus } from './stream-status.ts'

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
  'events-compacted': () => none,
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
  'response-received': () => none,
  'request-waited': () => none,
  'read-retried': (event) => failing(event, {}),
  'read-recovered': () => none,
  'source-waiting': sourceWaiting,
  'probe-failed':
    ({ code }) =>
    ({ failure }) => ({ failure: still(failure, code) }),
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
  'scan-end-unconfirmed': () => none,
  'late-changes': () => none,
  'full-scan-compared': fullScanCompared,
  'missing-clients': missingClients,
  'clients-removed': () => none,
  'removals-wait': () => none,
  'times-unreadable': () => none,
  'fields-keep-changing': () => none,
  'event-fields-missing': () => none,
  'client-erased': () => none,
  'republish-started': () => none,
  'republish-ended': () => none,
  'erasure-waits': () => none,
  'erasure-ended': () => none,
  'erasure-marks-restored': () => none,
  'stream-retrying': (event) => failing(event, { state: 'retrying', ...closed }),
  'stream-lost': () => to({ state: 'lost', isCaughtUp: false, hasProducer: false }),
  'stream-held': (event) => failing(event, { state: 'held', ...closed }),
  'stream-still-held':
    ({ code }) =>
    ({ failure }) => ({ failure: still(failure, code) }),
  'stream-resuming': () => none,
  'stream-failed': (event) => failing(event, { state: 'ended', ...closed }),
  'stream-ended': () => to({ state: 'ended', ...closed }),
}

function failing({ code, error }: { code: ErrorCode; error: unknown }, change: Partial<StreamStatus>): Change {
  const failure = failureOf(code, error)
  return ({ failingSince }, at) => ({ ...change, failure, failingSince: failingSince ?? at })
}

/** An event without an error keeps what was seen of the same code. */
const still = (before: Failure | undefined, code: ErrorCode): Failure => (before?.code === code ? before : { code })

/** Reopening after a failure resets no times: overdue progress stays overdue. */
function opening(before: StreamStatus, at: number): Partial<StreamStatus> {
  if (isActive(before)) return { state: 'opening' }
  const nothingYet = { goodPollAt: undefined, progressAt: undefined, savedAt: undefined, liveScanAt: undefined }
  return {
    ...nothingYet,
    ...noFailure,
    scans: undefined,
    index: undefined,
    removal: undefined,
    state: 'opening',
    startedAt: at,
  }
}

function controlAwaited({ failure }: EventOf<'control-awaited'>): Change {
  if (failure === undefined) return opening
  const failed = failing({ code: codeOf(failure), error: failure }, { state: 'retrying' })
  return (before, at) => ({ ...opening(before, at), ...failed(before, at) })
}

function groupUnreachable({ code }: EventOf<'group-unreachable'>): Change {
  return (before, at) => ({
    ...opening(before, at),
    ...{ state: 'group-unreachable', failure: still(before.failure, code), ...closed },
  })
}

/** An idle stream that reopens its producer is still caught up; any other opening must catch up first. */
function streamClaimed({ epoch, seq }: EventOf<'stream-claimed'>): Change {
  return ({ isCaughtUp }, at) => ({
    ...{ state: 'running', wasOpened: true, hasProducer: true, isCaughtUp, savedAt: at },
    ...{ epoch, seq },
  })
}

function sourceWaiting({ state, code }: EventOf<'source-waiting'>): Change {
  return (before) => (isReading(before) ? { state, failure: still(before.failure, code) } : {})
}

function sourceResumed(before: StreamStatus): Partial<StreamStatus> {
  return isReading(before) ? { state: 'running' } : {}
}

function fullScanCompared({ outcome, missing, gone }: EventOf<'full-scan-compared'>): Change {
  return ({ removal }) => ({
    removal: {
      ...{ missing, gone, ...removal },
      held: {
        marking: outcome === 'too-many' || outcome === 'later-beginning',
        publishing: removal?.held.publishing ?? false,
      },
    },
  })
}

function missingClients({ missing, gone, isHeld }: EventOf<'missing-clients'>): Change {
  return ({ removal }) => ({
    removal: { missing, gone, held: { marking: removal?.held.marking ?? false, publishing: isHeld } },
  })
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
