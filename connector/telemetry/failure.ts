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
export interface ExplainedFailure extends Failure {
  readonly hint: string
  /** The section of the runbook. */
  readonly runbook?: string
}

export type Explain = (failure: Failure) => ExplainedFailure

export function failureOf(code: ErrorCode, error: unknown): Failure {
  const causes = describedCauses(error)
  return {
    code,
    ...(error instanceof ConnectorError ? { error: error.message } : {}),
    ...(causes.length > 0 ? { causes } : {}),
  }
}

/** `runbookUrl`: where the operators read docs/runbook.md. */
export function explaining(runbookUrl: string | undefined): Explain {
  return (failure) => ({
    ...failure,
    hint: errorCatalogue[failure.code].runHint,
    ...runbookLink(runbookUrl, failure.code),
  })
}

/** The section of a code in the runbook, if its address is known. */
export function runbookLink(runbookUrl: string | undefined, code: string): { readonly runbook?: string } {
  return runbookUrl === undefined ? {} : { runbook: `${runbookUrl}#${code.replaceAll('.', '-')}` }
}
