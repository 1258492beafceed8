/** Why calls wait: `source-down` after failures, `throttled` if the last failure asked to wait. */
export type Trouble = 'source-down' | 'throttled'

/** A circuit breaker. Times in milliseconds of the monotonic clock. */
export type Circuit =
  /** Calls are sent. `failures`: consecutive failures. */
  | { readonly kind: 'closed'; readonly failures: number }
  /** Calls wait; from `probeAt` on, one may be sent as a probe. `probes`: failed probes. */
  | { readonly kind: 'open'; readonly why: Trouble; readonly probes: number; readonly probeAt: number }
  /** One call is being sent as a probe; the others wait. */
  | { readonly kind: 'half-open'; readonly why: Trouble; readonly probes: number; readonly probeAt: number }

export interface CircuitSettings {
  /** So many consecutive failures open the circuit. */
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
  /** A call is sent as the probe. */
  | { readonly kind: 'probe-began' }
  /** The probe was stopped before its result was known. */
  | { readonly kind: 'probe-abandoned' }

/** A change of the state of a server, reported once. */
export interface ServerEvent {
  /** Scheme, host and port. */
  readonly server: string
  /** Null: the server answers again. */
  readonly trouble: Trouble | null
  /** The last failure. */
  readonly error: unknown
  /** Failed probes. */
  readonly probes: number
  /** Time since the first failure. */
  readonly failedForMs: number
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
  switch (event.kind) {
    case 'succeeded':
      return closedCircuit
    case 'probe-began':
      return circuit.kind === 'open' ? { ...circuit, kind: 'half-open' } : circuit
    case 'probe-abandoned':
      return circuit.kind === 'half-open' ? { ...circuit, kind: 'open' } : circuit
    case 'failed': {
      const { why, from } = event
      const opened = (probes: number): Circuit => {
        const requested = Math.min(settings.maxRetryAfterMs, event.retryAfterMs ?? 0)
        const pauseMs = probeIntervalMs(settings, probes) * (0.5 + random / 2)
        return { kind: 'open', why, probes, probeAt: now + Math.max(requested, pauseMs) }
      }
      if (circuit.kind === 'closed') {
        const failures = circuit.failures + 1
        return failures < settings.failures ? { kind: 'closed', failures } : opened(0)
      }
      return circuit.kind === 'half-open' && from === 'probe' ? opened(circuit.probes + 1) : circuit
    }
  }
}

/** Upper bound of the pause after so many failed probes. */
export function probeIntervalMs({ firstIntervalMs, maxIntervalMs }: CircuitSettings, probes: number): number {
  return Math.min(maxIntervalMs, firstIntervalMs * 2 ** probes)
}
