import type { Clock } from '../../connector/runtime/clock.ts'
import { type VirtualClock, waitingBy } from '../support/fakes/virtual-clock.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** The clock of one replica. Its time of day may be wrong and may jump; its timers wait while the process is paused. */
export interface ReplicaClock extends Clock {
  /** Sets the time of day `aheadMs` ahead of the true one (negative: behind). Durations are not affected. */
  skew(aheadMs: number): void
}

export function replicaClock(time: VirtualClock, process: SimulatedProcess, seed: number): ReplicaClock {
  let aheadMs = 0
  const timer = (ms: number, fire: () => void) => {
    let isCancelled = false
    const cancel = time.timer(ms, () =>
      process.whenRunning(() => {
        if (!isCancelled) fire()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }
  return {
    ...waitingBy(timer),
    now: () => time.now() + aheadMs,
    monotonic: time.monotonic,
    random: randomNumbers(seed),
    skew: (ms) => {
      aheadMs = ms
    },
  }
}

/** Reproducible pseudo-random numbers in [0, 1) (Lehmer generator). */
function randomNumbers(seed: number): () => number {
  let state = (seed * 48_271 + 11) % 2_147_483_647
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
