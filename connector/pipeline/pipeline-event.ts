import type { Wishes, WishesEvent } from '../checkpoint/wishes.ts'
import type { IndexEvent } from '../index/index-storage.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { HistoryState, Lane, ScanName, ScanStates } from '../scan/scan-state.ts'
import type { SourceEvent } from '../source/client-source.ts'

/**
 * What a stream does. `waiting`: not assigned here. `paused`: by an operator. `retrying`: does the same again after a
 * pause. `held`: likewise, once something outside has changed. `ended`: for good.
 */
export const streamStates = ['waiting', 'paused', 'opening', 'running', 'retrying', 'held', 'ended'] as const
export type StreamState = (typeof streamStates)[number]

type BackgroundLane = Exclude<Lane, 'live'>

/** What the pipeline reports; telemetry has one row for each kind. No personal data, no secrets. */
export type PipelineEvent =
  | StreamStateEvent
  | {
      readonly kind: 'stream-claimed'
      readonly epoch: number
      readonly seq: number
      readonly history: HistoryState['state']
      readonly isNew: boolean
      readonly nextEvent: number
    }
  /** Opening the stream has ended hanging transactions or repaired the commit record. */
  | {
      readonly kind: 'transactions-repaired'
      readonly partitions: number
      readonly as: 'committed' | 'aborted'
    }
  | { readonly kind: 'taken-over'; readonly from: string; readonly epoch: number }
  | { readonly kind: 'source-moved' }
  | { readonly kind: 'partitions-grown'; readonly from: number; readonly to: number }
  | { readonly kind: 'field-detected'; readonly setting: string; readonly field: string }
  /** These fields are lists from this page on: events before it may have them in another form. `setting`: a line of YAML. */
  | { readonly kind: 'lists-found'; readonly fields: readonly string[]; readonly setting: string }
  /** A history has ended, and no client that was read since the start has these configured paths. */
  | { readonly kind: 'paths-missing'; readonly paths: readonly string[] }
  | { readonly kind: 'scan-started'; readonly scan: Lane; readonly lastChanged: string }
  | {
      readonly kind: 'page-read'
      readonly scan: Lane
      readonly clients: number
      readonly limit: number
      readonly bytes: number
      readonly tookMs: number
    }
  | SourceEvent
  /**
   * Reading a page failed. `attempt`: the failures of this page so far. `in-place`: all scans wait until it is read;
   * `in-turn`: others are read meanwhile.
   */
  | {
      readonly kind: 'read-retried'
      readonly scan: Lane
      readonly tried: 'in-place' | 'in-turn'
      readonly code: ErrorCode
      readonly attempt: number
      readonly error: unknown
    }
  /** A page was read after `failures`. */
  | { readonly kind: 'read-recovered'; readonly scan: Lane; readonly failures: number; readonly failedForMs: number }
  | { readonly kind: 'caught-up'; readonly clients: number; readonly pages: number }
  | { readonly kind: 'fell-behind' }
  | {
      readonly kind: 'pages-published'
      readonly pages: number
      readonly scans: ReadonlyMap<Lane, ScanCounts>
      readonly deadLetters: number
      readonly bytes: number
      readonly tookMs: number
      /** Milliseconds from each change that a live scan found to the commit of its event; not if the time is unknown. */
      readonly delays: readonly number[]
      /** When the newest change of a client that was read was made, by the clock of the server, in ms since 1970. */
      readonly newestChange: number | undefined
      readonly seq: number
      /** Whether a live scan has ended. */
      readonly hasLiveEnd: boolean
      /** All scans after the group. */
      readonly states: ScanStates
      readonly index: IndexSize
    }
  | IndexEvent
  /** The token of a scan was refused; it begins again at `lastChanged`. */
  | {
      readonly kind: 'checkpoint-refused'
      readonly scan: Lane
      readonly lastChanged: string
      readonly error: unknown
    }
  /** A scan of the background has failed several times in a row without progress; it makes no request for a while. */
  | {
      readonly kind: 'scan-backed-off'
      readonly scan: BackgroundLane
      readonly reachMs: ScanName['reachMs']
      readonly pauseMs: number
      readonly code: ErrorCode
      readonly error: unknown
    }
  /** A scan that was backed off has made progress. */
  | {
      readonly kind: 'scan-recovered'
      readonly scan: BackgroundLane
      readonly reachMs: ScanName['reachMs']
      readonly backedOffMs: number
    }
  /** The server promises more, but the scan does not advance; it begins again. */
  | { readonly kind: 'scan-stuck'; readonly scan: Lane; readonly why: string }
  | { readonly kind: 'history-done'; readonly clients: number }
  | WishesEvent

/** The stream enters a state, has a failure in it, or gets another request to pause. */
type StreamStateEvent = WhyInState & {
  readonly kind: 'stream-state'
  readonly state: StreamState
  readonly was: StreamState
}

/** Why a stream is in a state. */
export interface WhyInState {
  /** A paused stream has one too, while its pending state cannot be resolved. If the stream has ended, nothing follows. */
  readonly failure?: StreamFailure
  /** An operator has paused the stream: it reads and publishes nothing. */
  readonly pause?: Wishes
}

/** The same step is tried again after a pause. */
export interface StreamFailure {
  readonly error: unknown
  /** `hold`: something outside must change. `fenced`: another process has opened the stream. */
  readonly kind: 'retry' | 'hold' | 'fenced'
  readonly pauseMs: number
  /** Failures of this kind since the stream last ran for five minutes without one; fences in succession. */
  readonly times: number
  /** A failure with the same code is not over. */
  readonly isRepeated: boolean
}

/** What became of the clients of a scan in one group. */
export interface ScanCounts {
  events: number
  suppressed: number
  /** Not published: a scan that began later had published the client. */
  superseded: number
}

/** Size of the client index. */
interface IndexSize {
  readonly clients: number
  readonly memoryBytes: number
  /** Stored segments that the checkpoint names. */
  readonly segments: number
}

export type Observe = (event: PipelineEvent) => void
