import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

/**
 * The only error class of the connector. `code` says what somebody would do about it (see `error-catalogue.ts`);
 * `message` names the operation, the setting and the place, and never holds personal data, a secret or an answer's body.
 */
export class ConnectorError extends Error {
  readonly code: ErrorCode
  /** The least time to wait before the next try, when the other side said so (`Retry-After`). */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ConnectorError'
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}

/** What to do about an error: a `ConnectorError` says so by its code, anything else is a bug. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ConnectorError ? error.code : 'bug'
}

/** Whether the same thing may succeed when it is simply done again. */
export function isTransient(error: unknown): boolean {
  const { then } = errorCatalogue[codeOf(error)]
  return then === 'retry' || then === 'recheck'
}
