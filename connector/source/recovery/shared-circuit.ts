import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import {
  type Circuit,
  type CircuitEvent,
  type CircuitSettings,
  circuitAfter,
  closedCircuit,
  probeIntervalMs,
  type ServerEvent,
  type Trouble,
} from '../../runtime/circuit.ts'
import type { Clock } from '../../runtime/clock.ts'

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
  beginProbe(): Pass
  /** The outcome of a call; undefined: it says nothing of the server. */
  settle(pass: Pass, event: CircuitEvent | undefined, error?: unknown): void
  /** Waits so long (undefined: no limit), or until the circuit changes. Rejects with the reason of `stop`. */
  wait(ms: number | undefined, stop: AbortSignal): Promise<void>
}

export interface CircuitParts {
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
    if (circuit.kind === 'closed') spreadMs = probeIntervalMs(settings, probes)
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
      probe = { isProbe: true }
      apply({ kind: 'probe-began' })
      return probe
    },
    settle: (pass, event, error) => {
      // A call that succeeded meanwhile closed the circuit; another probe may be running.
      const isOutdated = pass.isProbe && pass !== probe
      if (pass === probe) probe = undefined
      if (event?.kind === 'failed') {
        if (isOutdated) return
        lastError = error
      }
      if (event !== undefined) apply(event)
      else if (pass.isProbe && !isOutdated) apply({ kind: 'probe-abandoned' })
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
