import type { ConfiguredFields } from '../../event/fields/field-mapping.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RetryPolicy } from '../../runtime/retry.ts'
import type { ScanOrder } from '../../scan/scan-order.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { Recheck, ScanStates } from '../../scan/scan-state.ts'
import type { ClientSource, SourceTime } from '../../source/client-source.ts'
import type { ScanRun } from '../group/scan-memory.ts'
import type { Observe } from '../pipeline-event.ts'
import type { ServerClock } from './server-clock.ts'

export interface ReaderParts {
  readonly source: ClientSource
  /** Of a page that is retried where it failed. */
  readonly retry: RetryPolicy
  readonly clock: Clock
  readonly serverClock: ServerClock
  readonly settings: ScanSettings
  readonly fields: ConfiguredFields
  /** The stream's configured beginning. */
  readonly beginAt: SourceTime
  /** `caught-up`: ends once a live scan and the history have ended; a page that cannot be read is a failure. */
  readonly until: 'stopped' | 'caught-up'
  readonly observe: Observe
}

/** From where a stream is read. */
export interface ReadFrom {
  readonly states: ScanStates
  readonly processed: Processed
  /** Null: nothing is known of the pages. */
  readonly mapping: StreamMapping | null
}

/** What was found while the pages read so far were made into events. */
export interface Processed {
  /** Found by live scans and look-backs. */
  changes(): number
  recheck(): Recheck | null
  /** Of the scan's pages. */
  order(scan: ScanRun): ScanOrder
  /** Whether the scan returns nothing but clients that it has already returned. */
  isCycling(scan: ScanRun): boolean
}
