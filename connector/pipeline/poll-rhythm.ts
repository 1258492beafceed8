import type { Clock } from '../runtime/clock.ts'

/**
 * When the next poll is due: an interval from start to start, at a phase that chance gives, so that streams that begin together, or were
 * held up together, do not poll together for ever. Only the first pause is shorter for it, none is longer.
 */
export function pollRhythm(clock: Clock, intervalMs: number): { pauseMs(): number } {
  let due = clock.monotonic() + clock.random() * intervalMs
  return {
    pauseMs: () => {
      const now = clock.monotonic()
      const pause = Math.max(0, due - now)
      const missed = Math.floor((now - due) / intervalMs)
      due += intervalMs * Math.max(1, missed + 1)
      return pause
    },
  }
}
