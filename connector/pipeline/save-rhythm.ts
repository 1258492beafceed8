import type { ResumePoint } from '../checkpoint/stream-state.ts'
import type { Clock } from '../runtime/clock.ts'

/**
 * When a group without records is worth a write: at once while the document stands in the middle of a drain; once a period when
 * polls move nothing but `lastChanged` (the document then stands between two drains).
 */
export function saveRhythm(clock: Clock, periodMs: number): { saved(): void; isDue(stored: ResumePoint): boolean } {
  let savedAt = clock.monotonic()
  return {
    saved: () => {
      savedAt = clock.monotonic()
    },
    isDue: (stored) => stored.drain === 'open' || clock.monotonic() - savedAt >= periodMs,
  }
}
