import type { ConfiguredPaths } from '../../event/fields/configured-paths.ts'
import type { ConfiguredFields, StreamMapping } from '../../event/page-mapping.ts'
import type { ReadClient, ReadingRules } from '../../event/read-client.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RetryPolicy } from '../../runtime/retry.ts'
import type { ScanSettings, Times } from '../../scan/scan-settings.ts'
import type { Scan, ScanStates } from '../../scan/scan-state.ts'
import type { ClientSource, SourceTime } from '../../source/client-source.ts'
import type { Observe } from '../pipeline-event.ts'
import type { ServerClock } from './server-clock.ts'

export interface ReaderParts {
  readonly source: ClientSource
  /**
   * The tries of a page in place follow this policy (see `read-retried` in `PipelineEvent`). Its limit of `Retry-After`
   * holds for tries in turn, too.
   */
  readonly retryPolicy: RetryPolicy
  readonly clock: Clock
  readonly serverClock: ServerClock
  /** Counts the failures of the first page of live scans. A new reader of the stream continues this counter. */
  readonly livePageFailures: PageFailures
  readonly settings: ScanSettings
  readonly configuredFields: ConfiguredFields
  readonly rules: ReadingRules
  readonly configuredPaths: ConfiguredPaths
  /** The stream is configured to begin at this time. */
  readonly beginAt: SourceTime
  /**
   * With `caught-up`, the reader ends once a live scan and the history have ended, and a scan that would be backed off
   * is a failure.
   */
  readonly endsWhen: 'stopped' | 'caught-up'
  readonly observe: Observe
}

/**
 * Counts the failures of a page until it is read. `firstFailureAt` is on the monotonic clock. The counter of the first
 * page of live scans is kept while the stream is assigned here. So the time `LIVE_IN_PLACE_MS`, for which that page is
 * tried in place, does not start again with a new reader.
 */
export interface PageFailures {
  firstFailureAt: number | undefined
  failures: number
}

export const newPageFailures = (): PageFailures => ({ firstFailureAt: undefined, failures: 0 })

/** A reader starts from these fields of the committed state. */
export interface ReadingStart {
  readonly scans: ScanStates
  /** It is null until a page has shown where its clients and their fields are. */
  readonly mapping: StreamMapping | null
}

/** Holds what was read from a page, and where it leads. */
export interface PageReading {
  /** The clients have the order of the page. */
  readonly clients: readonly ReadClient[]
  /** This scan has read the page; it is in its state after the page. */
  readonly scan: Scan
  /** These are all scans, after the page. */
  readonly scans: ScanStates
  /** It tells where clients and their fields are, as known after the page. */
  readonly mapping: StreamMapping
  /** Whether it is the last page of its scan. */
  readonly isLast: boolean
  /** The clocks showed this when the page was read. */
  readonly readAt: Times
}
