/** Limit of the difference between the clocks of two replicas. */
const SKEW_MS = 60_000

/**
 * Whether a stored time has come, both by our clock in ms since 1970. A time that is further away than its period was
 * stored by a clock that was wrong. Pure.
 */
export function isDue(dueAt: number, periodMs: number, ours: number): boolean {
  return ours >= dueAt || dueAt - ours > periodMs + SKEW_MS
}
