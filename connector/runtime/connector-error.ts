import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

export interface ErrorDetails {
  readonly cause?: unknown
  /** Minimum pause before the next attempt: requested by the server (`Retry-After`), or the earliest useful time. */
  readonly retryAfterMs?: number | undefined
  /**
   * Of a failed read: the server may have refused its token. `refused`: it did if the same request without the token
   * succeeds. `in-doubt`: it did if the request then fails again, since an outage may just have ended.
   */
  readonly token?: 'refused' | 'in-doubt' | undefined
  /** Of a failed read: a page with fewer clients is needed, or may succeed. */
  readonly size?: 'too-large' | 'in-doubt' | undefined
}

/**
 * The only error class of the connector. `code` determines the reaction (see `error-catalogue.ts`); `message` names the
 * operation, the setting and the location. It never contains personal data, a secret or a response body.
 */
export class ConnectorError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: ErrorDetails['retryAfterMs']
  readonly token: ErrorDetails['token']
  readonly size: ErrorDetails['size']

  constructor(code: ErrorCode, message: string, { cause, retryAfterMs, token, size }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ConnectorError'
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.token = token
    this.size = size
  }

  /** The same error with another message, and other details. */
  with(message: string, details: ErrorDetails = {}): ConnectorError {
    const { code, cause, retryAfterMs, token, size } = this
    return new ConnectorError(code, message, { cause, retryAfterMs, token, size, ...details })
  }
}

/** The code of a `ConnectorError`; any other error is a bug. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ConnectorError ? error.code : 'bug'
}

/** Whether a retry of the same operation may succeed. */
export function isTransient(error: unknown): boolean {
  const { then } = errorCatalogue[codeOf(error)]
  return then === 'retry' || then === 'recheck' || then === 'suspect'
}
