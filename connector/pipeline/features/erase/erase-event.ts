import type { ErrorCode } from '../../../runtime/error-catalogue.ts'

/** What the erasures of a stream report. */
export type EraseEvent =
  /** A tombstone of a client is in the topic, on request of an operator: the audit trail, without the client id. */
  | {
      readonly kind: 'client-erased'
      /** Id of the request. */
      readonly request: string
      readonly reason: string
      /** Milliseconds since 1970. */
      readonly requestedAt: number
      readonly requestedBy: string
      readonly outcome: 'erased' | 'never-published'
    }
  /** A requested erasure waits, because the marks of erased clients cannot be read; tried again every minute. */
  | { readonly kind: 'erasure-waits'; readonly code: ErrorCode; readonly error: unknown }
  /** A request to erase a client ended without a tombstone: the index has no such client, or it was cancelled. */
  | { readonly kind: 'erasure-ended'; readonly request: string; readonly outcome: 'unknown' | 'cancelled' }
  /** Marks of erased clients that were not stored any more, or not yet. */
  | { readonly kind: 'erasure-marks-restored'; readonly clients: number }
