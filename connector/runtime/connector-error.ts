import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

export interface ErrorDetails {
  readonly cause?: unknown
  /** Minimum pause before the next attempt: requested by the server (`Retry-After`), or the earliest useful time. */
  readonly retryAfterMs?: number | undefined
}

/**
 * The only error class of the connector. `code` determines the reaction (see `error-catalogue.ts`); `message` names the
 * operation, the setting and the location. It never contains personal data, a secret or a response body.
 */
export class ConnectorError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: ErrorDetails['retryAfterMs']

  constructor(code: ErrorCode, message: string, { cause, retryAfterMs }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ConnectorError'
    this.code = code
    this.retryAfterMs = retryAfterMs
  }

  /** Returns the same error with another message, and other details. */
  with(message: string, details: ErrorDetails = {}): ConnectorError {
    const { code, cause, retryAfterMs } = this
    return new ConnectorError(code, message, { cause, retryAfterMs, ...details })
  }
}

/** Returns the code of a `ConnectorError`; any other error is a bug. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ConnectorError ? error.code : 'bug'
}

/** Whether a retry of the same operation may succeed. */
export function isTransient(error: unknown): boolean {
  return errorCatalogue[codeOf(error)].then === 'retry'
}
