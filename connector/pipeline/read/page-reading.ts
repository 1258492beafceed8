import type { Erasure, StreamRequests } from '../../control/stream-requests.ts'
import type { ConfiguredFields } from '../../event/field-mapping.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import type { ClientKey } from '../../index/index-entry.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ScanOrder } from '../../scan/scan-order.ts'
import type { ScanSettings, Times } from '../../scan/scan-settings.ts'
import type { Recheck, Scan, ScanStates } from '../../scan/scan-state.ts'
import type { ClientSource, Page, SourceTime } from '../../source/client-source.ts'
import type { ScanRun } from '../group/scan-memory.ts'
import type { Observe } from '../pipeline-event.ts'
import type { ServerClock } from './server-clock.ts'

/** What the pipeline processes, in this order. */
export type Reading = PageReading | ErasureReading | RemovalReading

/** A page, and where it leads. */
export interface PageReading {
  readonly kind: 'page'
  readonly page: Page
  /** The scan that read it, after the page. */
  readonly scan: Scan
  /** All scans after the page. */
  readonly states: ScanStates
  /** What is known after the page. */
  readonly mapping: StreamMapping
  readonly isFirst: boolean
  readonly isLast: boolean
  /** The stream's events when the request with this response was sent. */
  readonly askedAt: number
  /** Both clocks when it was read. */
  readonly readAt: Times
}

/** A client to be deleted from the topic. */
export interface ErasureReading {
  readonly kind: 'erasure'
  readonly request: Erasure
  /** By our clock. */
  readonly at: number
}

/** Clients whose removal is to be published, unless they were returned meanwhile. */
export interface RemovalReading {
  readonly kind: 'removal'
  readonly clients: readonly GoneClient[]
  /** By our clock. */
  readonly at: number
}

export interface GoneClient {
  readonly clientId: string
  readonly key: ClientKey
  /** Of its last event. */
  readonly number: number
}

/** What was found while the pages read so far were made into events. */
export interface Processed {
  events(): number
  recheck(): Recheck | null
  /** Of the scan's pages. */
  order(scan: ScanRun): ScanOrder
  /** Whether the scan returns nothing but clients that it has already returned. */
  isCycling(scan: ScanRun): boolean
  /** Whether it is known which clients the scan has returned; otherwise a full scan must begin again. */
  knowsPagesOf(scan: Scan): boolean
  /** Whether a request to publish again is carried out or cancelled. */
  hasEnded(id: string): boolean
}

/** From where a stream is read. */
export interface ReadFrom {
  readonly states: ScanStates
  readonly processed: Processed
  /** Null: nothing is known of the pages. */
  readonly mapping: StreamMapping | null
  /** Absent: there are none. */
  readonly requests?: Pick<StreamRequests, 'open' | 'until'>
  readonly sourceMoved?: boolean
}

export interface ReaderParts {
  readonly source: ClientSource
  readonly clock: Clock
  readonly serverClock: ServerClock
  readonly settings: ScanSettings
  readonly fields: ConfiguredFields
  /** The stream's configured beginning. */
  readonly beginAt: SourceTime
  /** `caught-up`: ends once everything that is due has been read. */
  readonly until: 'stopped' | 'caught-up'
  readonly observe: Observe
}
