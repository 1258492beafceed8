import type { PipelineEvent, ScanCounts, StreamState, WhyInState } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Lane, ScanStates } from '../scan/scan-state.ts'
import { type Failure, toLogFields } from './error-fields.ts'

/** What this replica knows of one stream. Times are of `Clock.monotonic`, but for those of Polaris and of operators. */
export interface StreamStatus {
  readonly state: StreamState
  /** When it entered the state. */
  readonly since: number
  /** When this replica began to run the stream: progress is due from then on. */
  readonly startedAt: number
  readonly wasOpened: boolean
  readonly isCaughtUp: boolean
  /** When the last page was delivered: a stream that reads but cannot publish makes no progress. */
  readonly progressAt: number | undefined
  /** When the last live scan was delivered completely. */
  readonly liveScanAt: number | undefined
  /** The last failure since the last progress, and when the first one was. */
  readonly failure: Failure | undefined
  readonly failingSince: number | undefined
  /** Only in state `paused`. */
  readonly pause?: Pause | undefined
  readonly epoch?: number | undefined
  readonly seq?: number | undefined
  /** From where the last live scan has read. */
  readonly lastChanged?: string | undefined
  readonly scans: ScanStates | undefined
  /** Since when each lane has made no progress because its pages fail. */
  readonly backedOff: Readonly<Partial<Record<Lane, number>>>
  readonly indexClients: number | undefined
  /** When the newest published change was made, milliseconds since 1970. */
  readonly newestChange: number | undefined
  readonly totals: StreamTotals
}

/** Since the process started. clients = events + deadLetters + suppressed + superseded + clients being delivered. */
type StreamTotals = Readonly<
  Record<'pages' | 'clients' | 'events' | 'deadLetters' | 'suppressed' | 'superseded', number>
>

type Of<Kind extends PipelineEvent['kind']> = Extract<PipelineEvent, { kind: Kind }>
type Pause = NonNullable<WhyInState['pause']>
type Change = Partial<StreamStatus>

const noFailure = { failure: undefined, failingSince: undefined } as const

/** When this replica begins to run the stream. Reopening after a failure resets nothing: overdue progress stays overdue. */
const atBeginning = {
  ...noFailure,
  progressAt: undefined,
  liveScanAt: undefined,
  scans: undefined,
  backedOff: {},
  indexClients: undefined,
  newestChange: undefined,
} as const

export const unobserved = (at: number): StreamStatus => ({
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

/** The status after `event`, which happened at `at`: nothing else writes it. */
export function statusAfter(before: StreamStatus, event: PipelineEvent, at: number): StreamStatus {
  return { ...before, ...change(before, event, at) }
}

function change(before: StreamStatus, event: PipelineEvent, at: number): Change {
  const { totals } = before
  switch (event.kind) {
    case 'stream-state':
      return entered(event, before, at)
    case 'stream-claimed':
      return { wasOpened: true, epoch: event.epoch, seq: event.seq }
    case 'scan-started':
      return event.scan === 'live' ? { lastChanged: event.lastChanged } : {}
    case 'page-read':
      return { totals: { ...totals, pages: totals.pages + 1, clients: totals.clients + event.clients } }
    case 'caught-up':
      return { isCaughtUp: true, liveScanAt: at }
    case 'fell-behind':
      return { isCaughtUp: false }
    case 'pages-published':
      return delivered(before, event, at)
    case 'scan-backed-off':
      return { backedOff: { ...before.backedOff, [event.scan]: before.backedOff[event.scan] ?? at } }
    case 'scan-recovered': {
      const { [event.scan]: _, ...backedOff } = before.backedOff
      return { backedOff }
    }
    case 'read-retried':
      return failing(before, event, at)
    default:
      return {}
  }
}

const failing = ({ failingSince }: StreamStatus, { error }: { readonly error: unknown }, at: number): Change => ({
  failure: toLogFields(error),
  failingSince: failingSince ?? at,
})

function entered({ state, failure, pause }: Of<'stream-state'>, before: StreamStatus, at: number): Change {
  const isHere = isActive({ state })
  return {
    ...(isHere && !isActive(before) ? { ...atBeginning, startedAt: at } : {}),
    ...(isHere ? {} : noFailure),
    ...(failure !== undefined && failure.kind !== 'fenced' ? failing(before, failure, at) : {}),
    isCaughtUp: before.isCaughtUp && ['opening', 'running'].includes(state),
    pause,
    state,
    since: state === before.state ? before.since : at,
  }
}

/** Who has paused a stream, and why. */
export function pauseFields({ reason, at, by: requestedBy }: Pause) {
  return { reason, requestedAt: new Date(at).toISOString(), requestedBy }
}

function delivered(before: StreamStatus, event: Of<'pages-published'>, at: number): Change {
  const { scans, deadLetters, newestChange = 0, hasLiveEnd, seq, states, index } = event
  const { totals } = before
  return {
    ...noFailure,
    progressAt: at,
    liveScanAt: hasLiveEnd ? at : before.liveScanAt,
    seq,
    scans: states,
    indexClients: index.clients,
    newestChange: Math.max(before.newestChange ?? 0, newestChange) || undefined,
    totals: {
      ...totals,
      events: totals.events + clientsOf(scans, 'events'),
      deadLetters: totals.deadLetters + deadLetters,
      suppressed: totals.suppressed + clientsOf(scans, 'suppressed'),
      superseded: totals.superseded + clientsOf(scans, 'superseded'),
    },
  }
}

/** The clients of a page group with this outcome, of all lanes. */
export function clientsOf(scans: ReadonlyMap<string, ScanCounts>, outcome: keyof ScanCounts): number {
  return [...scans.values()].reduce((sum, counts) => sum + counts[outcome], 0)
}

export interface WatchedStream {
  readonly stream: string
  /** How long it may make no progress while ready. */
  readonly patienceMs: number
  readonly status: StreamStatus
}

/** Why a stream makes the replica not ready. */
export function notReady({ status, patienceMs }: WatchedStream, now: number) {
  if (status.state === 'held') return 'held'
  if (!isActive(status)) return undefined
  if (!status.wasOpened) return 'not opened yet'
  return now - (status.progressAt ?? status.startedAt) > patienceMs ? 'no progress' : undefined
}

/** A stream as `/status` shows it. Omits the position of one that runs elsewhere: it would be stale. */
export function streamReport(watched: WatchedStream, { monotonic }: Pick<Clock, 'monotonic'>) {
  const { stream, status } = watched
  const { state, isCaughtUp, failure, pause, totals } = status
  const now = monotonic()
  const why = notReady(watched, now)
  return {
    stream,
    state,
    secondsInState: secondsSince(status.since, now),
    level: levelOf(status, why),
    why,
    ...failure,
    secondsFailing: secondsSince(status.failingSince, now),
    pause: pause && pauseFields(pause),
    progress: isActive(status) && state !== 'held' && status.wasOpened ? progressText(isCaughtUp) : undefined,
    ...(isActive(status) ? position(status, now) : {}),
    totals,
  }
}

const progressText = (isCaughtUp: boolean) => (isCaughtUp ? 'caught up' : 'catching up')

/** How urgently a stream needs attention; the status page shows it as a colour. */
function levelOf({ state, failure, isCaughtUp }: StreamStatus, why: string | undefined) {
  if (why !== undefined && why !== 'not opened yet') return 'bad'
  if (failure !== undefined || state === 'retrying') return 'warn'
  return state === 'running' && isCaughtUp ? 'good' : 'idle'
}

function position(status: StreamStatus, now: number) {
  const { epoch, seq, lastChanged, indexClients, newestChange, scans } = status
  return {
    secondsSinceProgress: secondsSince(status.progressAt ?? status.startedAt, now),
    secondsSinceLiveScan: secondsSince(status.liveScanAt, now),
    newestChange: newestChange === undefined ? undefined : new Date(newestChange).toISOString(),
    epoch,
    seq,
    lastChanged,
    history: scans?.history.state,
    scans: scans?.background.map(({ lane, reachMs, from, pages, clients, times }) => ({
      lane,
      reachSeconds: reachMs === null ? undefined : reachMs / 1000,
      from,
      reached: times?.last ?? undefined,
      pages,
      clients,
      secondsBackedOff: secondsSince(status.backedOff[lane], now),
    })),
    indexClients,
  }
}

/** In seconds, rounded to the millisecond. */
export const secondsSince = (at: number | undefined, now: number) =>
  at === undefined ? undefined : Math.max(0, Math.round(now - at)) / 1000
