import { ConnectorError, codeOf } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'

/**
 * What follows a failed read: `retry` it indefinitely; `recheck` it a few times, then hold the stream; `suspect` a
 * server in trouble: retry for `polaris.retry.suspectFor`, then hold the stream; `hold` the stream at once.
 */
export type Reaction = 'retry' | 'recheck' | 'suspect' | 'hold'

/** `unproven`: the stream has never read a page, so its configuration may be wrong. `proven`: it has. */
export type Evidence = 'unproven' | 'proven'

type SourceCode = Extract<ErrorCode, `source.${string}`>

interface Verdict extends Readonly<Record<Evidence, Reaction>> {
  /**
   * Whether the server may have refused the `checkPoint` of the call. `refused`: it did if the same call without it
   * succeeds. `in-doubt`: it did if, after that, the call with it fails again, since an outage may have just ended.
   */
  readonly token: 'refused' | 'in-doubt' | 'not-concerned'
}

const always = (reaction: Reaction): Verdict => ({ unproven: reaction, proven: reaction, token: 'not-concerned' })

/** A server that is starting, in maintenance or behind a failing proxy also responds like this. */
const ambiguous: Verdict = { unproven: 'hold', proven: 'suspect', token: 'in-doubt' }

/** Kind of response → what follows, without and with evidence that the configuration is right. */
export const verdictTable: Readonly<Record<SourceCode, Verdict>> = {
  'source.unreachable': always('retry'),
  'source.timeout': always('retry'),
  'source.throttled': always('retry'),
  'source.server-error': { ...always('retry'), token: 'in-doubt' },
  'source.answer-truncated': always('retry'),
  'source.answer-malformed': always('recheck'),
  'source.answer-not-a-page': ambiguous,
  'source.error-document': ambiguous,
  'source.login-page': ambiguous,
  'source.forbidden': ambiguous,
  'source.function-missing': ambiguous,
  'source.request-refused': { ...ambiguous, token: 'refused' },
  'source.redirected': ambiguous,
  'source.unauthorized': always('hold'),
  'source.authentication-unsupported': always('hold'),
  'source.certificate': always('hold'),
  'source.tls': always('recheck'),
  'source.proxy-unreachable': always('retry'),
  'source.proxy-refused': always('hold'),
  'source.answer-too-large': always('hold'),
  'source.mapping': always('hold'),
  'source.stuck': always('hold'),
  'source.checkpoint-refused': always('hold'),
}

function verdictOn(error: unknown): Verdict | undefined {
  const code = codeOf(error)
  return isSourceCode(code) ? verdictTable[code] : undefined
}

const isSourceCode = (code: ErrorCode): code is SourceCode => code in verdictTable

/** What follows the error of a read. An error of another part holds the stream. */
export function reactionTo(error: unknown, evidence: Evidence): Reaction {
  return verdictOn(error)?.[evidence] ?? 'hold'
}

/**
 * Whether the server may have refused the `checkPoint` of a failed call. A 5xx must remain after all retries. A response
 * with `Retry-After` only asks to wait.
 */
export function mayRefuseCheckPoint(error: unknown): error is ConnectorError {
  if (!(error instanceof ConnectorError) || error.retryAfterMs !== undefined) return false
  return verdictOn(error)?.token !== undefined && verdictOn(error)?.token !== 'not-concerned'
}

/** Whether the call with the `checkPoint` is made again before the token counts as refused. */
export function isTokenInDoubt(error: unknown): boolean {
  return verdictOn(error)?.token === 'in-doubt'
}
