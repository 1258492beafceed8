import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { pauseAfter, type RetryPolicy, retry } from '../../runtime/retry.ts'
import type { ClientSource, ObserveSource, Patience, ReadArguments, SourceEvent } from '../client-source.ts'
import { mayBeTooMuch, SMALLEST_LIMIT } from '../polaris/answer/answer-verdict.ts'
import { mayRefuseCheckPoint, reactionTo } from '../polaris/answer/verdict-table.ts'
import type { Outages, ServerGate } from './server-breaker.ts'
import { suspectAnswers } from './suspect-answers.ts'

/** So many pages in a row that took too long are asked for again with a smaller limit, by the caller. */
const REPEATED = 2

interface RetryingParts {
  readonly clock: Clock
  readonly policy: RetryPolicy
  /** How long suspect responses in a row are retried. */
  readonly suspectForMs: number
  readonly outages: Outages
  readonly observe: ObserveSource
  readonly gate: ServerGate
}

/**
 * Retries reads, with growing pauses, as the verdict table says: after transient failures indefinitely, after suspect
 * responses for `suspectForMs`, and at most `policy.retries` times in a row if the failure may be permanent. While the
 * breaker of the server is open, every read waits for it instead. Gives up a page that takes too long after one retry, so
 * that the caller can ask for a smaller one. Supports one read at a time.
 */
export function retrying(source: ClientSource, parts: RetryingParts): ClientSource {
  const { clock, policy, observe, gate } = parts
  const failures = failureSeries(clock, observe)
  const decisions = retryDecisions(parts)
  const reported = (event: SourceEvent) => {
    if (event.kind === 'source-waiting') failures.handOver()
    observe(event)
  }
  let isProbe = false
  const onRetry = (error: unknown) => {
    if (isProbe) observe({ kind: 'probe-failed', code: codeOf(error) })
    else failures.add(error)
    if (gate.isOpen()) failures.handOver()
  }
  // One owner of the pause: the breaker while it is open.
  const pause = (error: unknown, attempt: number) => (gate.isOpen() ? 0 : pauseAfter(error, attempt, { policy, clock }))
  const unlimited = { ...policy, retries: Number.POSITIVE_INFINITY }
  return {
    read: async (at, stop, patience = 'retry') => {
      const send = () => {
        isProbe = gate.isOpen()
        at.onSend?.()
        return source.read(at, stop)
      }
      const read = () => gate.call(send, { at, observe: reported }, stop)
      const again = decisions.of(at, patience)
      try {
        const page = await retry(read, { clock, policy: unlimited, again, pause, onRetry }, stop)
        if (patience !== 'once') failures.end()
        decisions.succeeded(at)
        return page
      } catch (error) {
        throw patience === 'once' ? error : decisions.ended(error, at)
      }
    },
  }
}

/** Whether a failed read is sent again. */
function retryDecisions({ clock, policy, suspectForMs, outages, gate }: RetryingParts) {
  const suspects = suspectAnswers(clock, suspectForMs)
  /** Consecutive pages that may be too much, of all reads. */
  let tooMuch = 0
  const mayBeToken = (error: unknown, { checkPoint }: ReadArguments) =>
    checkPoint !== null && mayRefuseCheckPoint(error)
  const isRepeatedly = (isTooMuch: boolean) => {
    tooMuch = isTooMuch ? tooMuch + 1 : 0
    return tooMuch >= REPEATED
  }
  return {
    of: (at: ReadArguments, patience: Patience) => {
      let consecutive = 0
      return (error: unknown): boolean => {
        const reaction = reactionTo(error, patience === 'unproven' ? 'unproven' : 'proven')
        const isToken = mayBeToken(error, at)
        const isTooMuch = mayBeTooMuch(error, at)
        if (patience === 'once')
          return gate.isOpen() && outages === 'wait' && reaction === 'retry' && !isToken && !isTooMuch
        if (reaction === 'hold' || isRepeatedly(isTooMuch)) return false
        if (reaction === 'suspect') suspects.add()
        else suspects.end()
        if (reaction === 'suspect' && isToken) return false // the caller first asks without the token
        if (reaction === 'suspect' && outages === 'wait') return !suspects.haveLasted()
        consecutive = outages === 'give-up' || reaction === 'recheck' || isToken ? consecutive + 1 : 0
        return consecutive <= policy.retries
      }
    },
    succeeded: ({ limit }: ReadArguments) => {
      suspects.end()
      // A small page says nothing of larger ones.
      if (limit > SMALLEST_LIMIT) tooMuch = 0
    },
    /** The error with which a read ends. */
    ended: (error: unknown, at: ReadArguments): unknown => {
      if (mayBeToken(error, at)) return error
      const summary = suspects.summary(error)
      suspects.end()
      return summary
    },
  }
}

/** Reports each failure since the last success with its number, and then the success. */
function failureSeries(clock: Clock, observe: ObserveSource) {
  let failures = 0
  let since = 0
  return {
    add: (error: unknown) => {
      if (failures === 0) since = clock.monotonic()
      failures += 1
      observe({ kind: 'read-retried', code: codeOf(error), attempt: failures, error })
    },
    end: () => {
      if (failures > 0)
        observe({ kind: 'read-recovered', failures, failedForMs: Math.round(clock.monotonic() - since) })
      failures = 0
    },
    /** The breaker reports the outage from here on, and its end. */
    handOver: () => {
      failures = 0
    },
  }
}
