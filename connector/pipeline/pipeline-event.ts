import type { Wishes, WishesEvent } from '../checkpoint/wishes.ts'
import type { IndexEvent } from '../index/index-storage.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { HistoryState, Lane, ScanName, ScanStates } from '../scan/scan-state.ts'
import type { SourceEvent } from '../source/client-source.ts'

/**
 * A stream is in one of these states on a replica. It is `waiting` if it is not assigned here, and `paused` if an
 * operator wants that. It is `retrying` if it does the same again after a pause, and `held` if something outside must
 * change before that can succeed. If it is `ended`, nothing follows.
 */
export const streamStates = ['waiting', 'paused', 'opening', 'running', 'retrying', 'held', 'ended'] as const
export type StreamState = (typeof streamStates)[number]

type BackgroundLane = Exclude<Lane, 'live'>

/**
 * The pipeline reports these events, without personal data or secrets. Telemetry has one row for each kind. In each of
 * them `scan` is the lane of the scan; a log line names the scan by it.
 */
export type PipelineEvent =
  | StreamStateEvent
  | {
      readonly kind: 'stream-claimed'
      readonly epoch: number
      readonly seq: number
      readonly history: HistoryState['state']
      /** Whether the stream begins with this claim. */
      readonly isNew: boolean
      readonly nextEvent: number
    }
  /**
   * The opening has ended hanging transactions of the stream, which may include that of the commit record. All of them
   * were ended `as` committed, or all as aborted.
   */
  | {
      readonly kind: 'transactions-repaired'
      readonly partitions: number
      readonly as: 'committed' | 'aborted'
    }
  /** The stream is taken over `from` this replica. */
  | { readonly kind: 'taken-over'; readonly from: string; readonly epoch: number }
  | { readonly kind: 'source-moved' }
  /** The topic has more partitions than before. */
  | { readonly kind: 'partitions-grown'; readonly from: number; readonly to: number }
  /** The pages show that clients have their id or modification time in this field. `setting` names its variable. */
  | { readonly kind: 'field-detected'; readonly setting: string; readonly field: string }
  /**
   * These fields are lists from this page on; events before it may have them in another form. `setting` is the line of
   * YAML that makes them lists from the start.
   */
  | { readonly kind: 'lists-found'; readonly fields: readonly string[]; readonly setting: string }
  /** A history has ended, and no client that was read since the start has these configured paths. */
  | { readonly kind: 'paths-missing'; readonly paths: readonly string[] }
  | { readonly kind: 'scan-started'; readonly scan: Lane; readonly lastChanged: string }
  | {
      readonly kind: 'page-read'
      readonly scan: Lane
      readonly clients: number
      /** The request asked for at most this number of clients. */
      readonly limit: number
      /** The body of the response had this size, decompressed. */
      readonly bytes: number
      readonly tookMs: number
    }
  | SourceEvent
  /**
   * Reading a page failed, `attempt` times so far. It is tried again `in-place`, while all scans wait, or `in-turn`,
   * while others are read.
   */
  | {
      readonly kind: 'read-retried'
      readonly scan: Lane
      readonly tried: 'in-place' | 'in-turn'
      readonly code: ErrorCode
      readonly attempt: number
      readonly error: unknown
    }
  /** A page was read after this number of failures. */
  | { readonly kind: 'read-recovered'; readonly scan: Lane; readonly failures: number; readonly failedForMs: number }
  /** A live scan has ended, after these pages and clients were read, and the history has ended before. */
  | { readonly kind: 'caught-up'; readonly clients: number; readonly pages: number }
  | { readonly kind: 'fell-behind' }
  | {
      readonly kind: 'pages-published'
      readonly pages: number
      readonly countsByLane: ReadonlyMap<Lane, LaneCounts>
      readonly deadLetters: number
      /** The values of the records have this total size. */
      readonly bytes: number
      readonly tookMs: number
      /**
       * Each number is how long a change that a live scan found took until its event was committed. Changes whose time
       * is unknown have none.
       */
      readonly delays: readonly number[]
      /**
       * The newest change of a client that was read was made at this time, by the clock of the server, in ms since
       * 1970.
       */
      readonly newestChange: number | undefined
      readonly seq: number
      /** Whether a live scan has ended. */
      readonly hasLiveEnd: boolean
      /** These are all scans, after the group. */
      readonly scans: ScanStates
      readonly indexSize: IndexSize
    }
  | IndexEvent
  /** The token of a scan was refused; it begins again at `lastChanged`. */
  | {
      readonly kind: 'checkpoint-refused'
      readonly scan: Lane
      readonly lastChanged: string
      readonly error: unknown
    }
  /** A scan of the background has failed several times in a row without progress. It makes no request for a while. */
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
  /** A history has ended, in which this number of clients was read. */
  | { readonly kind: 'history-done'; readonly clients: number }
  | WishesEvent

/** The stream enters a state, has a failure in it, or gets another request to pause. */
type StreamStateEvent = StateReason & {
  readonly kind: 'stream-state'
  readonly state: StreamState
  readonly previousState: StreamState
}

/** Says why a stream is in its state. */
export interface StateReason {
  /**
   * The step with this failure is tried again. A paused stream has one too, while its pending state cannot be resolved.
   * If the stream has ended, the failure is final.
   */
  readonly failure?: StreamFailure | undefined
  /** An operator has paused the stream: it reads and publishes nothing. */
  readonly pause?: Wishes | undefined
}

/**
 * A step has failed. Unless the stream has ended, it is tried again after `pauseMs`, or sooner if what it waits for
 * changes (see `WaitFor`).
 */
export interface StreamFailure {
  readonly error: unknown
  /** `hold` means that something outside must change, and `fenced` that another process has opened the stream. */
  readonly kind: 'retry' | 'hold' | 'fenced'
  readonly pauseMs: number
  /**
   * Counts the failures of this kind. For `retry` and `hold` the count starts again once the stream has run for five
   * minutes without any failure, for `fenced` if the previous failure of this kind is more than five minutes ago.
   */
  readonly times: number
  /** Whether an earlier failure with the same code is not over yet, so that this one is no news. */
  readonly isRepeated: boolean
}

/** Counts what became of the clients of one lane in a group. */
export interface LaneCounts {
  events: number
  /** These were not published, because their content is that of their last event. */
  suppressed: number
  /** These were not published, because a scan that began later had published the client. */
  superseded: number
}

/** Tells the size of the client index. */
interface IndexSize {
  readonly clients: number
  readonly memoryBytes: number
  /** Counts the stored segments that the checkpoint names. */
  readonly segments: number
}

export type Observe = (event: PipelineEvent) => void
