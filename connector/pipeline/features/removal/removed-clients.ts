import type { RemovalForm } from '../../../event/cloud-event/tombstone.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import type { Scan } from '../../../scan/scan-state.ts'

/** What happens with clients that full scans no longer return. */
export interface RemovedSettings {
  readonly publish: 'nothing' | RemovalForm
  /** The share of all clients that may become missing, or be removed, at once; 0 to 1. */
  readonly maxShare: number
}

/** This many clients are never too many. */
const ALWAYS_ALLOWED = 10

/** Whether it is more likely that the server does not return clients that it has. Pure. */
export function areTooMany(gone: number, clients: number, { maxShare }: Pick<RemovedSettings, 'maxShare'>): boolean {
  return gone > ALWAYS_ALLOWED && gone > maxShare * clients
}

/** What a full scan found about clients that it did not return. */
export interface FullScanResult {
  readonly scan: Scan
  /**
   * `too-many`: nothing was marked, since too many clients are missing. `later-beginning`: neither, because earlier scans
   * read from before the beginning of this one. `incomplete`: neither, because the scan was resumed by a modification time
   * twice, or ended with an empty page twice.
   */
  readonly outcome: 'marked' | 'too-many' | 'later-beginning' | 'incomplete'
  /** Clients that a full scan should return: not those that are gone, withdrawn or dead letters. */
  readonly clients: number
  /** Clients missing for the first time, and those missing for the second time in a row. */
  readonly missing: number
  readonly gone: number
  /** Clients that were missing, or gone, and were returned again while the scan ran. */
  readonly returned: number
}

/** What the removals of a stream report. */
export type RemovalEvent =
  /** What a full scan says about clients that it did not return. */
  | ({ readonly kind: 'full-scan-compared' } & Omit<FullScanResult, 'scan'>)
  /**
   * Clients that are missing and gone: at the opening, after each full scan and each removal. `withoutEvent`: gone ones
   * of which the topic has no event. `isHeld`: more are gone than the limit, so none is removed.
   */
  | {
      readonly kind: 'missing-clients'
      readonly missing: number
      readonly gone: number
      readonly withoutEvent: number
      readonly isHeld: boolean
    }
  | { readonly kind: 'clients-removed'; readonly clients: number }
  /** The ids of gone clients cannot be read from the topic, which is tried again. */
  | { readonly kind: 'removals-wait'; readonly code: ErrorCode; readonly error: unknown }
