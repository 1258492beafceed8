import type { Clock } from '../../connector/runtime/clock.ts'
import { type VirtualClock, waitingBy } from '../support/virtual-clock.ts'
import type { ProcessLife } from './process-life.ts'

/** The clock of one replica: its time of day may be wrong and be put right or wrong in steps; its timers wait while it stands still. */
export interface ReplicaClock extends Clock {
  /** Puts the time of day so far ahead of the true one (ms, may be negative). Durations stay right. */
  skew(aheadMs: number): void
}

export function replicaClock(time: VirtualClock, life: ProcessLife, seed: number): ReplicaClock {
  let aheadMs = 0
  const timer = (ms: number, fire: () => void) => {
    let isCancelled = false
    const cancel = time.timer(ms, () =>
      life.whenRunning(() => {
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
    random: chance(seed),
    skew: (ms) => {
      aheadMs = ms
    },
  }
}

/** Numbers in [0, 1) that are the same in each run; another row of them for each seed (Lehmer). */
function chance(seed: number): () => number {
  let state = (seed * 48_271 + 11) % 2_147_483_647
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
