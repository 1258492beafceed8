import type { LaneCounts, PipelineEvent, StateReason, StreamState } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { percentRead } from '../scan/begin-scan.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import { isSameScan, type Lane, type Scan, type ScanName, type ScanStates } from '../scan/scan-state.ts'
import { type Failure, toLogFields } from './error-fields.ts'

/** What this replica knows of one stream. Times are of `Clock.monotonic`, but for those of Polaris and of operators. */
export interface StreamStatus {
  readonly state: StreamState
  /** The stream entered its state at this time. */
  readonly since: number
  /** This replica began to run the stream at this time: progress is due from then on. */
  readonly startedAt: number
  readonly wasOpened: boolean
  readonly isCaughtUp: boolean
  /** The last page was delivered at this time: a stream that reads but cannot publish makes no progress. */
  readonly progressAt: number | undefined
  /** The last live scan was delivered completely at this time. */
  readonly liveScanAt: number | undefined
  /** The failures of the stream that are not over. */
  readonly streamFailure: OpenFailure | undefined
  /** The failures of a page for which others wait, until a page of its scan is read. */
  readonly readFailure: (OpenFailure & { readonly scan: Lane }) | undefined
  /** A stream has it only in state `paused`. */
  readonly pause?: Pause | undefined
  readonly epoch?: number | undefined
  readonly seq?: number | undefined
  /** The last live scan has read from this time of the server. */
  readonly lastChanged?: string | undefined
  readonly scans: ScanStates | undefined
  /** The scans that make no progress because their pages fail, and since when. */
  readonly backedOff: readonly (ScanName & { readonly since: number })[]
  readonly indexClients: number | undefined
  /** The newest change that was read was made at this time, in ms since 1970. */
  readonly newestChange: number | undefined
  readonly totals: StreamTotals
}

/** Failures that are not over: the last one, and when the first and the last of them were. */
interface OpenFailure {
  readonly failure: Failure
  readonly firstAt: number
  readonly lastAt: number
}

/** Since the process started. clients = events + deadLetters + suppressed + superseded + clients being delivered. */
type StreamTotals = Readonly<
  Record<'pages' | 'clients' | 'events' | 'deadLetters' | 'suppressed' | 'superseded', number>
>

type EventOf<Kind extends PipelineEvent['kind']> = Extract<PipelineEvent, { kind: Kind }>
type Pause = NonNullable<StateReason['pause']>
type Change = Partial<StreamStatus>

const noTrouble = { streamFailure: undefined, readFailure: undefined, backedOff: [] } as const

/**
 * The status of a stream that this replica begins to run. Reopening after a failure resets nothing: overdue progress
 * stays overdue.
 */
const atBeginning = {
  ...noTrouble,
  progressAt: undefined,
  liveScanAt: undefined,
  scans: undefined,
  indexClients: undefined,
  newestChange: undefined,
} as const

export const statusAtStart = (at: number): StreamStatus => ({
  ...atBeginning,
  state: 'waiting',
  since: at,
  startedAt: at,
  wasOpened: false,
  isCaughtUp: false,
  totals: { pages: 0, clients: 0, events: 0, deadLetters: 0, suppressed: 0, superseded: 0 },
})

/** Whether this replica runs the stream, is opening it or holds it. */
export const isActive = ({ state }: Pick<StreamStatus, 'state'>) => !['waiting', 'ended', 'paused'].includes(state)

/** Returns the status after an event, which happened at `at`: nothing else writes it. */
export function statusAfter(before: StreamStatus, event: PipelineEvent, at: number): StreamStatus {
  return { ...before, ...changeAfter(before, event, at) }
}

function changeAfter(before: StreamStatus, event: PipelineEvent, at: number): Change {
  const { totals } = before
  switch (event.kind) {
    case 'stream-state':
      return changeOfState(event, before, at)
    case 'stream-claimed':
      return { wasOpened: true, epoch: event.epoch, seq: event.seq, backedOff: [] }
    case 'scan-started':
      return event.scan === 'live' ? { lastChanged: event.lastChanged } : {}
    case 'page-read':
      return {
        totals: { ...totals, pages: totals.pages + 1, clients: totals.clients + event.clients },
        readFailure: before.readFailure?.scan === event.scan ? undefined : before.readFailure,
      }
    case 'caught-up':
      return { isCaughtUp: true, liveScanAt: at }
    case 'fell-behind':
      return { isCaughtUp: false }
    case 'pages-published':
      return changeOfDelivery(before, event, at)
    case 'scan-backed-off':
      return { backedOff: [...otherThan(before, event), { ...nameOf(event), since: sinceOf(before, event) ?? at }] }
    case 'scan-recovered':
      return { backedOff: otherThan(before, event) }
    case 'read-retried':
      // A page of the background alone shows as backed off.
      if (event.scan !== 'live' && event.tried === 'in-turn') return {}
      return { readFailure: { ...openFailure(before.readFailure, event, at), scan: event.scan } }
    default:
      return {}
  }
}

type BackOffEvent = EventOf<'scan-backed-off' | 'scan-recovered'>
const nameOf = ({ scan: lane, reachMs }: BackOffEvent): ScanName => ({ lane, reachMs })
const otherThan = ({ backedOff }: StreamStatus, event: BackOffEvent) =>
  backedOff.filter((one) => !isSameScan(one, nameOf(event)))
const sinceOf = ({ backedOff }: StreamStatus, event: BackOffEvent) =>
  backedOff.find((one) => isSameScan(one, nameOf(event)))?.since

function openFailure(before: OpenFailure | undefined, { error }: { error: unknown }, at: number): OpenFailure {
  return { failure: toLogFields(error), firstAt: before?.firstAt ?? at, lastAt: at }
}

/** Returns the failure that `/status` and the gauge show. */
export const shownFailure = ({ streamFailure, readFailure }: StreamStatus): OpenFailure | undefined =>
  streamFailure ?? readFailure

function changeOfState({ state, failure, pause }: EventOf<'stream-state'>, before: StreamStatus, at: number): Change {
  const isHere = isActive({ state })
  return {
    ...(isHere && !isActive(before) ? { ...atBeginning, startedAt: at } : {}),
    ...(isHere ? {} : noTrouble),
    ...(state === 'running' ? { streamFailure: undefined } : {}),
    ...(failure !== undefined ? { backedOff: [] } : {}), // the reader that had backed them off has ended
    ...(failure !== undefined && failure.kind !== 'fenced'
      ? { streamFailure: openFailure(before.streamFailure, failure, at) }
      : {}),
    isCaughtUp: before.isCaughtUp && ['opening', 'running'].includes(state),
    pause,
    state,
    since: state === before.state ? before.since : at,
  }
}

/** Returns who has paused a stream, and why. */
export function pauseFields({ reason, at, by: requestedBy }: Pause) {
  return { reason, requestedAt: new Date(at).toISOString(), requestedBy }
}

function changeOfDelivery(before: StreamStatus, event: EventOf<'pages-published'>, at: number): Change {
  const { countsByLane, deadLetters, newestChange = 0, hasLiveEnd, seq, scans, indexSize } = event
  const { totals } = before
  return {
    progressAt: at,
    liveScanAt: hasLiveEnd ? at : before.liveScanAt,
    seq,
    scans,
    indexClients: indexSize.clients,
    newestChange: Math.max(before.newestChange ?? 0, newestChange) || undefined,
    totals: {
      ...totals,
      events: totals.events + clientsOf(countsByLane, 'events'),
      deadLetters: totals.deadLetters + deadLetters,
      suppressed: totals.suppressed + clientsOf(countsByLane, 'suppressed'),
      superseded: totals.superseded + clientsOf(countsByLane, 'superseded'),
    },
  }
}

/** Counts the clients of a page group with this outcome, of all lanes. */
export function clientsOf(scans: ReadonlyMap<string, LaneCounts>, outcome: keyof LaneCounts): number {
  return [...scans.values()].reduce((sum, counts) => sum + counts[outcome], 0)
}

/** How a stream is read: `timeZone` is that of its server. */
export type Polling = Pick<ScanSettings, 'intervalMs' | 'timeZone'>

export interface WatchedStream {
  readonly stream: string
  readonly polling: Polling
  /** The replica stays ready for this time while the stream makes no progress. */
  readonly patienceMs: number
  readonly status: StreamStatus
}

/** Returns why a stream makes the replica not ready; undefined if it does not. */
export function whyStreamNotReady({ status, patienceMs }: WatchedStream, now: number) {
  if (status.state === 'held') return 'held'
  if (!isActive(status)) return undefined
  if (!status.wasOpened) return 'not opened yet'
  const { streamFailure, readFailure, progressAt, startedAt } = status
  const isFailing = [streamFailure, readFailure].some(
    (one) => one !== undefined && one.lastAt - one.firstAt > patienceMs,
  )
  if (isFailing) return 'failing'
  return now - (progressAt ?? startedAt) > patienceMs ? 'no progress' : undefined
}

/** Whether this replica is a member of its consumer group, or needs none. */
export type Membership = 'kept' | 'lost'

/** A stream as `/status` shows it. What one that runs elsewhere has read is left out, as it would be stale. */
export interface StreamReport extends Partial<Failure>, Partial<ReturnType<typeof runReport>> {
  readonly stream: string
  readonly state: StreamState
  readonly secondsInState: number | undefined
  /** How urgently the stream needs attention; the status page shows it as a colour. */
  readonly level: 'bad' | 'warn' | 'good' | 'idle'
  /** Why the stream makes the replica not ready. */
  readonly why: string | undefined
  readonly secondsFailing: number | undefined
  readonly pause: ReturnType<typeof pauseFields> | undefined
  readonly progress: 'caught up' | 'catching up' | undefined
  readonly totals: StreamTotals
}

export function streamReport(watched: WatchedStream, clock: Clock, membership: Membership): StreamReport {
  const { stream, status } = watched
  const { state, pause, totals } = status
  const shown = shownFailure(status)
  const now = clock.monotonic()
  const why = whyStreamNotReady(watched, now)
  const progress = progressOf(watched, now, membership)
  return {
    stream,
    state,
    secondsInState: secondsSince(status.since, now),
    level: levelOf(status, why, progress),
    why,
    ...shown?.failure,
    secondsFailing: secondsSince(shown?.firstAt, now),
    pause: pause && pauseFields(pause),
    progress,
    ...(isActive(status) ? runReport(watched, { now, time: clock.now() }) : {}),
    totals,
  }
}

type Progress = StreamReport['progress']

/**
 * Returns how far a stream is. A live scan must have ended lately: while nothing can be published, no failure may be
 * known yet.
 */
function progressOf({ status, polling }: WatchedStream, now: number, membership: Membership): Progress {
  const { isCaughtUp, liveScanAt, wasOpened } = status
  if (!isActive(status) || !wasOpened || shownFailure(status) !== undefined || membership === 'lost') return undefined
  const isRecent = liveScanAt !== undefined && now - liveScanAt <= 3 * polling.intervalMs
  return isCaughtUp && isRecent ? 'caught up' : 'catching up'
}

function levelOf(status: StreamStatus, why: string | undefined, progress: Progress): StreamReport['level'] {
  const { state } = status
  if (why !== undefined && why !== 'not opened yet') return 'bad'
  if (shownFailure(status) !== undefined || state === 'retrying') return 'warn'
  return state === 'running' && progress === 'caught up' ? 'good' : 'idle'
}

function runReport({ status, polling }: WatchedStream, { now, time }: { now: number; time: number }) {
  const { epoch, seq, lastChanged, indexClients, newestChange, scans } = status
  return {
    secondsSinceProgress: secondsSince(status.progressAt ?? status.startedAt, now),
    secondsSinceLiveScan: secondsSince(status.liveScanAt, now),
    newestChange: newestChange === undefined ? undefined : new Date(newestChange).toISOString(),
    epoch,
    seq,
    lastChanged,
    history: scans?.history.state,
    scans: scans?.background.map((scan) => reportOfScan(scan, status.backedOff, { now, time, ...polling })),
    indexClients,
  }
}

function reportOfScan(
  scan: Scan,
  backedOff: StreamStatus['backedOff'],
  { now, time, timeZone }: { now: number; time: number; timeZone: string },
) {
  const { lane, reachMs, from, pages, clients, times } = scan
  return {
    lane,
    reachSeconds: reachMs === null ? undefined : reachMs / 1000,
    from,
    reached: times?.last ?? undefined,
    percentRead: percentRead(scan, time, timeZone),
    pages,
    clients,
    secondsBackedOff: secondsSince(backedOff.find((one) => isSameScan(one, scan))?.since, now),
  }
}

/** Returns the time since `at` in seconds, rounded to the millisecond. */
export const secondsSince = (at: number | undefined, now: number) =>
  at === undefined ? undefined : Math.max(0, Math.round(now - at)) / 1000
