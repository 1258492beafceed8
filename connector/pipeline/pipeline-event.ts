import type { ErrorCode } from '../runtime/error-catalogue.ts'

/** What the pipeline tells about itself; metrics and log lines are exhaustive switches over it. Holds no personal data and no secret. */
export type PipelineEvent =
  | { readonly kind: 'stream-opening' }
  | {
      readonly kind: 'stream-claimed'
      readonly epoch: number
      readonly seq: number
      readonly lastChanged: string
      readonly isNew: boolean
      readonly events: number
    }
  /** Nothing to publish: the session with Kafka ends until there is; then the stream is claimed again. */
  | { readonly kind: 'session-closed' }
  | { readonly kind: 'taken-over'; readonly from: string; readonly epoch: number }
  | { readonly kind: 'setting-ignored'; readonly setting: string; readonly why: string }
  | { readonly kind: 'source-moved' }
  | { readonly kind: 'partitions-grown'; readonly from: number; readonly to: number }
  | { readonly kind: 'field-detected'; readonly setting: string; readonly field: string }
  | { readonly kind: 'drain-started'; readonly lastChanged: string }
  | { readonly kind: 'page-read'; readonly clients: number; readonly bytes: number; readonly tookMs: number }
  | { readonly kind: 'list-ambiguous'; readonly path: string }
  | { readonly kind: 'request-waited'; readonly ms: number }
  | { readonly kind: 'read-retried'; readonly code: ErrorCode; readonly attempt: number }
  | { readonly kind: 'caught-up'; readonly clients: number; readonly pages: number; readonly tookMs: number }
  | { readonly kind: 'fell-behind' }
  | {
      readonly kind: 'group-published'
      readonly pages: number
      readonly events: number
      readonly deadLetters: number
      readonly suppressed: number
      readonly bytes: number
      readonly tookMs: number
      readonly seq: number
    }
  | { readonly kind: 'checkpoint-saved'; readonly bytes: number }
  | { readonly kind: 'lateness'; readonly ms: number }
  | { readonly kind: 'lateness-high'; readonly ms: number; readonly overlapMs: number }
  | { readonly kind: 'window-overflowed'; readonly entries: number }
  | { readonly kind: 'server-clock-missing' }
  | { readonly kind: 'checkpoint-refused'; readonly lastChanged: string }
  | { readonly kind: 'fields-keep-changing'; readonly fields: readonly string[] }
  | { readonly kind: 'stream-retrying'; readonly code: ErrorCode; readonly error: unknown; readonly pauseMs: number }
  /** Another owner has it. `wasStopping`: it was on its way out already, as when it is assigned elsewhere; its new owner does not wait. */
  | { readonly kind: 'stream-lost'; readonly error: unknown; readonly wasStopping: boolean }
  | { readonly kind: 'stream-stopped'; readonly code: ErrorCode; readonly error: unknown }
  | { readonly kind: 'stream-ended' }

export type Observe = (event: PipelineEvent) => void
