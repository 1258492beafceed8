import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../runtime/error-catalogue.ts'
import type { Semaphore } from '../../runtime/semaphore.ts'
import type { ObserveSource, ServerEvent } from '../client-source.ts'
import type { Outages } from './after-failed-read.ts'
import { type CircuitEvent, type Pass, type SharedCircuit, sharedCircuit } from './circuit.ts'

/** The circuit breaker of one server, shared by all streams of this process that read from it. */
export interface ServerBreaker {
  /** The access of one stream. */
  gate(outages: Outages): ServerGate
}

/** One stream's access to its server. Supports one read at a time. */
export interface ServerGate {
  /**
   * Waits until the breaker lets a read through. Rejects with the reason of `stop`, or, where outages are given up, with
   * `source.unreachable` while the breaker is open.
   */
  enter(observe: ObserveSource, stop: AbortSignal): Promise<Passage>
  isOpen(): boolean
  /** Permits of the server. A read that waited for one while the breaker opened is not sent. */
  permits(limit: Semaphore): Semaphore
}

/** A read that the breaker has let through; its outcome is to be reported. */
export interface Passage extends Pass {
  succeeded(): void
  /** `not-sent`: the breaker opened while the read waited for a permit, so it enters again. */
  failed(error: unknown, stop: AbortSignal): 'not-sent' | 'failed'
}

const freePassage: Passage = { isProbe: false, succeeded: () => {}, failed: () => 'failed' }

/** A gate without a breaker. */
export const openGate: ServerGate = {
  enter: async () => freePassage,
  isOpen: () => false,
  permits: (limit) => limit,
}

/** How to probe a server in trouble. */
interface ProbeSettings {
  /** Scheme, host and port. */
  readonly server: string
  /** Upper bound of the pause that the server requests (`Retry-After`). */
  readonly maxRetryAfterMs: number
  /** Longest pause between two probes. */
  readonly maxProbeIntervalMs: number
}

/** One breaker per server. Calls `observe` at each change of a server's state. */
export function serverBreakers(
  clock: Clock,
  observe: (event: ServerEvent) => void,
): (probing: ProbeSettings) => ServerBreaker {
  const servers = new Map<string, ServerBreaker>()
  return ({ server, maxRetryAfterMs, maxProbeIntervalMs: maxIntervalMs }) => {
    const settings = { failures: FAILURES, firstIntervalMs: FIRST_INTERVAL_MS, maxIntervalMs, maxRetryAfterMs }
    const known = servers.get(server) ?? breakerOf(sharedCircuit(server, { settings, clock, observe }), clock)
    servers.set(server, known)
    return known
  }
}

/** Limit of failures in a row, of all streams; then the breaker opens. */
const FAILURES = 5
const FIRST_INTERVAL_MS = 1_000

const breakerOf = (circuit: SharedCircuit, clock: Clock): ServerBreaker => ({
  gate: (outages) => {
    let current: Pass | undefined
    const waits = waitReport(circuit)
    return {
      enter: async (observe, stop) => {
        const pass = await enter(circuit, { clock, outages, onWait: () => waits.report(observe) }, stop)
        if (!pass.isProbe) waits.end(observe)
        current = pass
        return {
          ...pass,
          succeeded: () => {
            current = undefined
            circuit.settle(pass, { kind: 'succeeded' })
            waits.end(observe)
          },
          failed: (error, stop) => {
            current = undefined
            if (error === notSent) return 'not-sent'
            circuit.settle(pass, stop.aborted ? undefined : outcomeOf(error, pass), error)
            return 'failed'
          },
        }
      },
      isOpen: () => circuit.now().kind !== 'closed',
      permits: (limit) => ({
        acquire: async (stop) => {
          const permit = await limit.acquire(stop)
          if (current === undefined || circuit.admits(current)) return permit
          permit[Symbol.dispose]()
          throw notSent
        },
      }),
    }
  },
})

/** Reports that a stream waits, and that it does no longer. */
function waitReport(circuit: SharedCircuit) {
  let isWaiting = false
  return {
    report: (observe: ObserveSource) => {
      const now = circuit.now()
      if (now.kind === 'closed') return
      isWaiting = true
      observe({ kind: 'source-waiting', state: now.why, code: codeOf(circuit.lastError()) })
    },
    end: (observe: ObserveSource) => {
      if (isWaiting) observe({ kind: 'source-resumed' })
      isWaiting = false
    },
  }
}

/** The breaker opened while the call waited for a permit. */
const notSent = new ConnectorError('source.unreachable', 'call: not sent, because the breaker of the server is open')

interface EnterParts {
  readonly clock: Clock
  readonly outages: Outages
  readonly onWait: () => void
}

/** Waits until a call may be sent: the circuit is closed, or this call is its probe. */
async function enter(circuit: SharedCircuit, { clock, outages, onWait }: EnterParts, stop: AbortSignal): Promise<Pass> {
  for (let hasWaited = false; ; ) {
    const now = circuit.now()
    if (now.kind === 'closed') {
      if (!hasWaited) return { isProbe: false }
      hasWaited = false
      // All streams at once could bring the server down again.
      await circuit.wait(clock.random() * circuit.spreadMs(), stop)
      continue
    }
    const dueInMs = now.probeAt - clock.monotonic()
    const probe = dueInMs <= 0 ? circuit.beginProbe() : undefined
    if (probe !== undefined) return probe
    if (outages === 'give-up') throw givenUp(circuit.lastError())
    hasWaited = true
    onWait()
    await circuit.wait(dueInMs <= 0 ? undefined : dueInMs, stop)
  }
}

const givenUp = (error: unknown) =>
  new ConnectorError('source.unreachable', `call: not sent, because the last calls failed with ${codeOf(error)}`, {
    cause: error,
  })

/** A server that answers so (4xx) is not down. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'source.forbidden',
  'source.function-missing',
  'source.request-refused',
])

/** What a failed read says of its server; undefined: nothing. */
function outcomeOf(error: unknown, { isProbe }: Pass): CircuitEvent | undefined {
  if (!(error instanceof ConnectorError)) return undefined
  const { code, retryAfterMs, token } = error
  const { then } = errorCatalogue[code]
  // Any other failure is an answer of a server that works.
  if (then !== 'retry' && then !== 'suspect') return { kind: 'succeeded' }
  // The server may refuse only the token.
  if (!isProbe && token !== undefined) return undefined
  const isThrottled = code === 'source.throttled' || retryAfterMs !== undefined
  const why = isThrottled ? 'throttled' : refusals.has(code) ? 'source-refuses' : 'source-down'
  return { kind: 'failed', from: isProbe ? 'probe' : 'call', why, retryAfterMs }
}
