import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { pauseAfter, type RetryPolicy } from '../../runtime/retry.ts'
import type { Semaphore } from '../../runtime/semaphore.ts'
import {
  type ClientSource,
  type ObserveSource,
  type Patience,
  type ReadArguments,
  SMALL_LIMIT,
  type SourceEvent,
} from '../client-source.ts'
import { afterFailedRead, type FailureSeries, isLimited, type Outages, reactionTo } from './after-failed-read.ts'
import { openGate, type Passage, type ServerBreaker, type ServerGate } from './server-breaker.ts'

export interface RetryParts {
  readonly clock: Clock
  readonly policy: RetryPolicy
  /** How long suspect responses in a row are retried. */
  readonly suspectForMs: number
  readonly outages: Outages
  readonly observe: ObserveSource
  readonly gate: ServerGate
}

export interface RecoveryParts extends Omit<RetryParts, 'gate'> {
  /** Of the server. */
  readonly permits: Semaphore
  /** Undefined: never waits, as in `doctor`. */
  readonly breaker?: ServerBreaker
}

/** A source with retries, behind the breaker of its server. `open` gets the permits with which requests are sent. */
export function recovering<Source extends ClientSource>(
  open: (permits: Semaphore) => Source,
  { breaker, permits, ...parts }: RecoveryParts,
): Source {
  const gate = breaker?.gate(parts.outages) ?? openGate
  const source = open(gate.permits(permits))
  return { ...source, ...retrying(source, { ...parts, gate }) }
}

/**
 * Retries reads in place, with growing pauses, as `afterFailedRead` says. While the breaker of the server is open, every
 * read waits for it instead. Supports one read at a time.
 */
export function retrying(source: ClientSource, parts: RetryParts): ClientSource {
  const { clock, policy, observe, gate } = parts
  const series = failureSeries(parts)
  const reports = retryReports(parts)
  const reported = (event: SourceEvent) => {
    if (event.kind === 'source-waiting') reports.handOver()
    observe(event)
  }
  // One owner of the pause: the breaker while it is open.
  const pause = (error: unknown, attempt: number) => (gate.isOpen() ? 0 : pauseAfter(error, attempt, { policy, clock }))
  return {
    read: async (at, stop, patience = 'retry') => {
      series.begin()
      for (let attempt = 1; ; ) {
        stop.throwIfAborted()
        let passage: Passage | undefined
        try {
          passage = await gate.enter(reported, stop)
          const page = await source.read(at, stop)
          passage.succeeded()
          if (patience !== 'once') reports.recovered()
          series.end(at)
          return page
        } catch (error) {
          if (passage?.failed(error, stop) === 'not-sent') continue
          if (afterFailedRead(error, { patience }, series.after(error, patience)) !== 'retry')
            throw patience === 'once' ? error : series.givenUp(error)
          reports.retried(error, { isProbe: passage?.isProbe ?? false })
          await clock.sleep(pause(error, attempt), stop)
          attempt += 1
        }
      }
    },
  }
}

function failureSeries({ clock, policy, suspectForMs, outages, gate }: RetryParts) {
  let tooMuch = 0
  let limited = 0
  let suspects = 0
  /** Of the first suspect response: by the monotonic clock, and by the wall clock. */
  let [since, sinceTime] = [0, 0]
  const add = (error: unknown, patience: Patience) => {
    const reaction = reactionTo(error, patience)
    if (patience === 'once' || reaction === 'hold') return
    tooMuch = error instanceof ConnectorError && error.size !== undefined ? tooMuch + 1 : 0
    limited = isLimited(error, outages) ? limited + 1 : 0
    if (reaction === 'suspect' && suspects === 0) [since, sinceTime] = [clock.monotonic(), clock.now()]
    suspects = reaction === 'suspect' ? suspects + 1 : 0
  }
  return {
    begin: () => {
      limited = 0
    },
    after: (error: unknown, patience: Patience): FailureSeries => {
      add(error, patience)
      const suspectsLasted = suspects > 0 && clock.monotonic() - since >= suspectForMs
      return { outages, isBreakerOpen: gate.isOpen(), tooMuch, limited, retries: policy.retries, suspectsLasted }
    },
    end: ({ limit }: ReadArguments) => {
      suspects = 0
      // A small page says nothing of larger ones.
      if (limit > SMALL_LIMIT) tooMuch = 0
    },
    /** The error with which a read ends. The series continues in a read without the token. */
    givenUp: (error: unknown): unknown => {
      if (!(error instanceof ConnectorError) || error.token !== undefined) return error
      const count = suspects
      suspects = 0
      if (count < 2) return error
      const started = new Date(sinceTime).toISOString()
      return error.with(
        `${error.message}; ${count} such responses in a row since ${started}, after pages had been read`,
      )
    },
  }
}

/** Reports each failure since the last success with its number, and then the success. */
function retryReports({ clock, observe, gate }: Pick<RetryParts, 'clock' | 'observe' | 'gate'>) {
  let failures = 0
  let since = 0
  /** The breaker reports the outage from here on, and its end. */
  const handOver = () => {
    failures = 0
  }
  return {
    handOver,
    retried: (error: unknown, { isProbe }: { readonly isProbe: boolean }) => {
      const code = codeOf(error)
      if (isProbe) observe({ kind: 'probe-failed', code })
      else {
        if (failures === 0) since = clock.monotonic()
        failures += 1
        observe({ kind: 'read-retried', code, attempt: failures, error })
      }
      if (gate.isOpen()) handOver()
    },
    recovered: () => {
      if (failures > 0)
        observe({ kind: 'read-recovered', failures, failedForMs: Math.round(clock.monotonic() - since) })
      failures = 0
    },
  }
}
