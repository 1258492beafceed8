import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

/**
 * The only error class of the connector. `code` determines the reaction (see `error-catalogue.ts`); `message` names the
 * operation, the setting and the location. It never contains personal data, a secret or a response body.
 */
export class ConnectorError extends Error {
  readonly code: ErrorCode
  /** Minimum pause before the next attempt: requested by the server (`Retry-After`), or the earliest useful time. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ConnectorError'
    this.code = code
    this.retryAfterMs = options.retryAfterMs
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
