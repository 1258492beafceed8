import type { LateChange } from './late-change.ts'

/** What became of the clients of a scan in one group. */
export interface ScanCounts {
  events: number
  suppressed: number
  /** Not published: another scan had published the client after the first response of this one. */
  superseded: number
  readonly late: LateChange[]
}
