import { ConnectorError } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { describedCauses } from './error-fields.ts'

/** What was seen of a failure. Invariant 8: of the connector's own errors the message, of others what the log shows. */
export interface Failure {
  readonly code: ErrorCode
  readonly error?: string
  /** Nearest first; may name a broker and a system error code. */
  readonly causes?: readonly string[]
}

/** A failure with what to do, as the endpoints show it. */
interface ExplainedFailure extends Failure {
  readonly hint: string
}

export function failureOf(code: ErrorCode, error: unknown): Failure {
  const causes = describedCauses(error)
  return {
    code,
    ...(error instanceof ConnectorError ? { error: error.message } : {}),
    ...(causes.length > 0 ? { causes } : {}),
  }
}

export const explained = (failure: Failure): ExplainedFailure => ({
  ...failure,
  hint: errorCatalogue[failure.code].runHint,
})
