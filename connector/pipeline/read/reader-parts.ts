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
  /** Of a page that is retried where it failed. */
  readonly retry: RetryPolicy
  readonly clock: Clock
  readonly serverClock: ServerClock
  readonly liveOutage: PageTrouble
  readonly settings: ScanSettings
  readonly fields: ConfiguredFields
  readonly rules: ReadingRules
  readonly paths: ConfiguredPaths
  /** The stream's configured beginning. */
  readonly beginAt: SourceTime
  /** `caught-up`: ends once a live scan and the history have ended; a scan that would be backed off is a failure. */
  readonly until: 'stopped' | 'caught-up'
  readonly observe: Observe
}

/**
 * The failures of a page that was not read since. `since`: the first one, of the monotonic clock. That of the first
 * page of live scans is kept while the stream is assigned here: a new reader does not begin its minute again.
 */
export interface PageTrouble {
  since: number | undefined
  failures: number
}

export const noTrouble = (): PageTrouble => ({ since: undefined, failures: 0 })

/** From where a stream is read. */
export interface ReadFrom {
  readonly scans: ScanStates
  /** Null: nothing is known of the pages. */
  readonly mapping: StreamMapping | null
}

/** A page, and where it leads. */
export interface PageReading {
  /** In the order of the page. */
  readonly clients: readonly ReadClient[]
  /** The scan that read it, after the page. */
  readonly scan: Scan
  /** All scans after the page. */
  readonly states: ScanStates
  /** What is known after the page. */
  readonly mapping: StreamMapping
  readonly isLast: boolean
  /** Both clocks when it was read. */
  readonly readAt: Times
}
