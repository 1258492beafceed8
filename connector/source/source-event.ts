import type { ErrorCode } from '../runtime/error-catalogue.ts'

/** What a source tells about itself. Holds no personal data and no secret. */
export type SourceEvent =
  | { readonly kind: 'read-retried'; readonly code: ErrorCode; readonly attempt: number }
  /** A request waited so long for its turn, by the limits of its server. */
  | { readonly kind: 'request-waited'; readonly ms: number }
  /** A field of clients, by its path, came both as a list and as a single value: it should be configured as a list. */
  | { readonly kind: 'list-ambiguous'; readonly path: string }

export type ObserveSource = (event: SourceEvent) => void
