import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, isTransient } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { pauseAfterError, type RetryPolicy } from '../runtime/retry.ts'
import type { ClientSource, Page, PageRequest } from './client-source.ts'

export type PageRead =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'token-refused'; readonly error: ConnectorError }

/** Says how a page is read. */
export interface ReadMode {
  /**
   * `in-place`: as `retry` says, but not after `deadline` (of the monotonic clock). `once`: the scan asks for the page
   * again later, after `failures` in a row so far.
   */
  readonly tries:
    | { readonly kind: 'in-place'; readonly deadline?: number }
    | { readonly kind: 'once'; readonly failures: number }
  /** Called for each failure that is followed by another attempt in place. */
  readonly onRetry: (error: ConnectorError) => void
}

type Attempt = Extract<PageRead, { kind: 'page' }> | { readonly kind: 'failed'; readonly error: ConnectorError }

/**
 * Reads a page. If a call with a token fails, finds out whether the server refuses the token. Rejects with the reason
 * of `stop`, or with `source.*`.
 */
export async function readPage(
  { source, clock, retryPolicy }: { source: ClientSource; clock: Clock; retryPolicy: RetryPolicy },
  { request, tries, onRetry }: ReadMode & { readonly request: PageRequest },
  stop: AbortSignal,
): Promise<PageRead> {
  const attempt = async (request: PageRequest): Promise<Attempt> => {
    try {
      return { kind: 'page', page: await source.read(request, stop) }
    } catch (error) {
      if (stop.aborted || !(error instanceof ConnectorError)) throw error
      return { kind: 'failed', error }
    }
  }
  for (let failures = 0; ; ) {
    const firstAttempt = await attempt(request)
    if (firstAttempt.kind === 'page') return firstAttempt
    failures += 1
    const { error } = firstAttempt
    const failuresInARow = failures + (tries.kind === 'once' ? tries.failures : 0)
    if (
      mayRefuseToken(error, request, failuresInARow) &&
      (await attempt({ ...request, checkPoint: null })).kind === 'page'
    ) {
      // The server's trouble may just have ended.
      const secondAttempt = await attempt(request)
      if (secondAttempt.kind === 'page') return secondAttempt
      if (doubtfulCodes.has(secondAttempt.error.code)) return { kind: 'token-refused', error: secondAttempt.error }
    }
    const isLast = tries.kind === 'once' || clock.monotonic() >= (tries.deadline ?? Number.POSITIVE_INFINITY)
    if (isLast || failures > retryPolicy.retries || !isTransient(error)) throw error
    onRetry(error)
    await clock.sleep(pauseAfterError(error, failures, { policy: retryPolicy, clock }), stop)
  }
}

/** After so many failures of the server in a row, it may be the token that it cannot answer. */
const FAILURES_IN_A_ROW = 5

/** Errors that a server may also return because it refuses the token. */
const doubtfulCodes: ReadonlySet<ErrorCode> = new Set([
  'source.request-refused',
  'source.function-missing',
  'source.error-document',
  'source.server-error',
])

function mayRefuseToken({ code, retryAfterMs }: ConnectorError, { checkPoint }: PageRequest, failures: number) {
  // A response with `Retry-After` only asks to wait.
  if (checkPoint === null || retryAfterMs !== undefined || !doubtfulCodes.has(code)) return false
  return code !== 'source.server-error' || failures % FAILURES_IN_A_ROW === 0
}
