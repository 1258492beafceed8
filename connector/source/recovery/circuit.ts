import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ServerEvent, Trouble } from '../client-source.ts'

/** A circuit breaker. Times in milliseconds of the monotonic clock. */
export type Circuit =
  /** Calls are sent. `failures`: consecutive failures. */
  | { readonly kind: 'closed'; readonly failures: number }
  /** Calls wait; from `probeAt` on, one at a time may be sent as a probe. `probes`: failed probes. */
  | { readonly kind: 'open'; readonly why: Trouble; readonly probes: number; readonly probeAt: number }

export interface CircuitSettings {
  /** Limit of consecutive failures; then the circuit opens. */
  readonly failures: number
  /** Upper bound of the first pause before a probe; doubles with each failed probe. */
  readonly firstIntervalMs: number
  readonly maxIntervalMs: number
  /** Upper bound of the pause that the server requests (`Retry-After`). */
  readonly maxRetryAfterMs: number
}

export type CircuitEvent =
  /** Any call succeeded, also one that began before the circuit opened. */
  | { readonly kind: 'succeeded' }
  /** A call failed. `from`: a call that is not the probe says nothing new once the circuit is open. */
  | {
      readonly kind: 'failed'
      readonly from: 'call' | 'probe'
      readonly why: Trouble
      readonly retryAfterMs: number | undefined
    }

interface Moment {
  readonly now: number
  /** In [0, 1). */
  readonly random: number
}

export const closedCircuit: Circuit = { kind: 'closed', failures: 0 }

/** The circuit after the event. Pure. */
export function circuitAfter(
  circuit: Circuit,
  event: CircuitEvent,
  { settings, now, random }: Moment & { readonly settings: CircuitSettings },
): Circuit {
  if (event.kind === 'succeeded') return closedCircuit
  const { why, from, retryAfterMs = 0 } = event
  const opened = (probes: number): Circuit => {
    const requested = Math.min(settings.maxRetryAfterMs, retryAfterMs)
    const pauseMs = probeIntervalMs(settings, probes) * (0.5 + random / 2)
    return { kind: 'open', why, probes, probeAt: now + Math.max(requested, pauseMs) }
  }
  if (circuit.kind === 'open') return from === 'probe' ? opened(circuit.probes + 1) : circuit
  const failures = circuit.failures + 1
  return failures < settings.failures ? { kind: 'closed', failures } : opened(0)
}

/** Upper bound of the pause after this number of failed probes. */
export function probeIntervalMs({ firstIntervalMs, maxIntervalMs }: CircuitSettings, probes: number): number {
  return Math.min(maxIntervalMs, firstIntervalMs * 2 ** probes)
}

/** A call that the circuit let through. */
export interface Pass {
  readonly isProbe: boolean
}

/** The circuit of one server, and the calls that wait for it. */
export interface SharedCircuit {
  now(): Circuit
  lastError(): unknown
  /** When the circuit closes, the waiting calls are spread over this time. */
  spreadMs(): number
  /** Whether the call may be sent now. */
  admits(pass: Pass): boolean
  /** The probe; undefined while another one is being sent. */
  beginProbe(): Pass | undefined
  /** The outcome of a call; undefined: it says nothing of the server. */
  settle(pass: Pass, event: CircuitEvent | undefined, error?: unknown): void
  /** Waits for this time (undefined: no limit), or until the circuit changes. Rejects with the reason of `stop`. */
  wait(ms: number | undefined, stop: AbortSignal): Promise<void>
}

interface CircuitParts {
  readonly settings: CircuitSettings
  readonly clock: Clock
  readonly observe: (event: ServerEvent) => void
}

export function sharedCircuit(server: string, { settings, clock, observe }: CircuitParts): SharedCircuit {
  const waiting = wakeableWaits(clock)
  let circuit: Circuit = closedCircuit
  let probe: Pass | undefined
  let lastError: unknown
  let failingSince = 0
  let spreadMs = 0

  const apply = (event: CircuitEvent) => {
    const before = circuit
    const now = clock.monotonic()
    circuit = circuitAfter(before, event, { settings, now, random: clock.random() })
    const probes = before.kind === 'closed' ? 0 : before.probes
    if (before.kind === 'closed' && before.failures === 0) failingSince = now
    if (circuit.kind === 'closed') {
      spreadMs = probeIntervalMs(settings, probes)
      probe = undefined
    }
    const trouble = troubleOf(circuit)
    if (trouble !== troubleOf(before))
      observe({ server, trouble, error: lastError, probes, failedForMs: Math.round(now - failingSince) })
    if (circuit.kind !== before.kind) waiting.wakeAll()
  }
  return {
    now: () => circuit,
    lastError: () => lastError,
    spreadMs: () => spreadMs,
    admits: (pass) => circuit.kind === 'closed' || pass === probe,
    beginProbe: () => {
      if (probe !== undefined) return undefined
      probe = { isProbe: true }
      return probe
    },
    settle: (pass, event, error) => {
      // A call that succeeded meanwhile closed the circuit; another probe may be running.
      const isOutdated = pass.isProbe && pass !== probe
      if (event?.kind === 'failed') {
        if (isOutdated) return
        lastError = error
      }
      if (event !== undefined) apply(event)
      if (pass !== probe) return
      probe = undefined
      waiting.wakeAll()
    },
    wait: waiting.wait,
  }
}

function wakeableWaits(clock: Clock) {
  const waiting = new Set<() => void>()
  return {
    wait: async (ms: number | undefined, stop: AbortSignal): Promise<void> => {
      using waking = linkedAbort(stop)
      const wake = () => waking.abort()
      waiting.add(wake)
      await (ms === undefined ? whenAborted(waking.signal) : clock.sleep(ms, waking.signal).catch(() => {}))
      waiting.delete(wake)
      stop.throwIfAborted()
    },
    wakeAll: () => {
      for (const wake of waiting) wake()
    },
  }
}

const troubleOf = (circuit: Circuit): Trouble | null => (circuit.kind === 'closed' ? null : circuit.why)
