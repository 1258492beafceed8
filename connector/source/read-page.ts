import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, isTransient } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { pauseAfter, type RetryPolicy } from '../runtime/retry.ts'
import type { ClientSource, ObserveSource, Page, PageRequest } from './client-source.ts'

export type PageRead =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'token-refused'; readonly error: ConnectorError }

interface ReadParts {
  readonly source: ClientSource
  readonly clock: Clock
  readonly retry: RetryPolicy
  readonly observe: ObserveSource
}

/** How a page is read. */
export interface ReadMode {
  /**
   * `in-place`: as `retry` says, but not after `until` (of the monotonic clock). `once`: the scan asks for the page again
   * later, after `failures` in a row so far.
   */
  readonly tries:
    | { readonly kind: 'in-place'; readonly until?: number }
    | { readonly kind: 'once'; readonly failures: number }
}

/**
 * Reads a page. If a call with a token fails, finds out whether the server refuses the token. Rejects with the reason of
 * `stop`, or with `source.*`.
 */
export async function readPage(
  parts: ReadParts,
  { at, tries }: ReadMode & { readonly at: PageRequest },
  stop: AbortSignal,
): Promise<PageRead> {
  const { source, clock, retry, observe } = parts
  const startedAt = clock.monotonic()
  const read = async (): Promise<PageRead> => {
    return { kind: 'page', page: await source.read(at, stop) }
  }
  for (let failures = 0; ; ) {
    try {
      const found = await read()
      if (failures > 0) observe({ kind: 'read-recovered', failures, failedForMs: clock.monotonic() - startedAt })
      return found
    } catch (error) {
      if (stop.aborted || !(error instanceof ConnectorError)) throw error
      failures += 1
      const inARow = failures + (tries.kind === 'once' ? tries.failures : 0)
      const doubt = tokenDoubt(error, at, inARow)
      if (doubt !== undefined) {
        const found = await withoutToken({ read, source, at }, { error, doubt }, stop)
        if (found !== undefined) return found
      }
      const isLast = tries.kind === 'once' || clock.monotonic() >= (tries.until ?? Number.POSITIVE_INFINITY)
      if (isLast || failures > retry.retries || !isTransient(error)) throw error
      observe({ kind: 'read-retried', code: error.code, attempt: failures, error })
      await clock.sleep(pauseAfter(error, failures, { policy: retry, clock }), stop)
    }
  }
}

/** Failures of the server in a row; then it may be the token that it cannot answer. */
const FAILURES = 5

/** Errors that a server may also return because it refuses the token. `in-doubt`: or because it is in trouble. */
const doubts: { readonly [code in ErrorCode]?: 'refused' | 'in-doubt' } = {
  'source.request-refused': 'refused',
  'source.function-missing': 'in-doubt',
  'source.error-document': 'in-doubt',
  'source.server-error': 'in-doubt',
}

function tokenDoubt({ code, retryAfterMs }: ConnectorError, { checkPoint }: PageRequest, failures: number) {
  // A response with `Retry-After` only asks to wait.
  if (checkPoint === null || retryAfterMs !== undefined) return undefined
  return code === 'source.server-error' && failures % FAILURES !== 0 ? undefined : doubts[code]
}

interface TokenParts {
  readonly read: () => Promise<PageRead>
  readonly source: ClientSource
  readonly at: PageRequest
}

/** A token is refused if the call with it fails, and the same call without it succeeds. Undefined: it is not. */
async function withoutToken(
  { read, source, at }: TokenParts,
  { error, doubt }: { readonly error: ConnectorError; readonly doubt: 'refused' | 'in-doubt' },
  stop: AbortSignal,
): Promise<PageRead | undefined> {
  if ((await readOnce(source, { ...at, checkPoint: null }, stop)) === undefined) return undefined
  if (doubt === 'refused') return { kind: 'token-refused', error }
  // The trouble may just have ended.
  try {
    return await read()
  } catch (again) {
    if (stop.aborted || !(again instanceof ConnectorError)) throw again
    return doubts[again.code] === undefined ? undefined : { kind: 'token-refused', error: again }
  }
}

/** Reads a page whose failure proves nothing; then returns undefined. Rejects with the reason of `stop`. */
async function readOnce(source: ClientSource, at: PageRequest, stop: AbortSignal): Promise<Page | undefined> {
  try {
    return await source.read(at, stop)
  } catch (error) {
    if (stop.aborted || !(error instanceof ConnectorError)) throw error
    return undefined
  }
}
