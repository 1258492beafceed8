import type { IndexSize, PipelineEvent, StreamState } from '../pipeline/pipeline-event.ts'
import type { ScanKind } from '../scan/scan-state.ts'
import type { Failure } from './failure.ts'
import type { WatchedScans } from './scan-status.ts'

/** The state of one stream, from its events. Times are of `Clock.monotonic`. */
export interface StreamStatus {
  readonly state: StreamState
  /** When the replica started to run the stream; progress is due from then on. */
  readonly startedAt: number
  readonly wasOpened: boolean
  readonly isCaughtUp: boolean
  /** When the last page was read. */
  readonly goodPollAt: number | undefined
  /** When the last page was delivered: a stream that reads but cannot publish makes no progress. */
  readonly progressAt: number | undefined
  readonly savedAt: number | undefined
  /** When the last live scan was delivered completely. */
  readonly liveScanAt: number | undefined
  /** The last failure since the last progress. */
  readonly failure: Failure | undefined
  /** The first failure since the last progress. */
  readonly failingSince: number | undefined
  /** Only in state `paused`. */
  readonly pause: Pause | undefined
  readonly epoch: number | undefined
  readonly seq: number | undefined
  /** From where the last live scan has read. */
  readonly lastChanged: string | undefined
  readonly scans: WatchedScans | undefined
  /** Since when each lane has made no progress because its pages fail. */
  readonly backedOff: Readonly<Partial<Record<ScanKind, number>>>
  readonly index: IndexSize | undefined
  /** Milliseconds from the last changes to their commits. */
  readonly delays: readonly number[]
  /** When the newest published change was made, milliseconds since 1970. */
  readonly newestChange: number | undefined
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

type Certificate = Extract<PipelineEvent, { kind: 'certificate-seen' }>['certificate']
type CertificateExpiries = Readonly<Partial<Record<Certificate, number>>>

/** Since the process started. clients = events + deadLetters + suppressed + superseded + clients being delivered. */
interface StreamTotals {
  readonly pages: number
  readonly clients: number
  readonly events: number
  readonly deadLetters: number
  readonly suppressed: number
  readonly superseded: number
}

export const noFailure = { failure: undefined, failingSince: undefined } as const

/** At the beginning on this replica. Reopening after a failure resets nothing: overdue progress stays overdue. */
export const atBeginning = {
  ...noFailure,
  goodPollAt: undefined,
  progressAt: undefined,
  savedAt: undefined,
  liveScanAt: undefined,
  scans: undefined,
  backedOff: {},
  index: undefined,
  delays: [],
  newestChange: undefined,
} as const

export const unobserved: StreamStatus = {
  ...atBeginning,
  state: 'waiting',
  startedAt: 0,
  wasOpened: false,
  isCaughtUp: false,
  pause: undefined,
  epoch: undefined,
  seq: undefined,
  lastChanged: undefined,
  certificates: {},
  totals: { pages: 0, clients: 0, events: 0, deadLetters: 0, suppressed: 0, superseded: 0 },
}

/** Whether this replica runs the stream, is opening it or holds it. */
export function isActive({ state }: Pick<StreamStatus, 'state'>): boolean {
  return !['waiting', 'ended', 'paused'].includes(state)
}
