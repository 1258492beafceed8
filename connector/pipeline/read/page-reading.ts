import type { StreamMapping } from '../../event/page-mapping.ts'
import type { ReadClient } from '../../event/read-client.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Scan, ScanStates } from '../../scan/scan-state.ts'

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
