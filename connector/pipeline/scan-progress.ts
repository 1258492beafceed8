import type { Clock } from '../runtime/clock.ts'
import type { Observe } from './pipeline-event.ts'
import type { PageReading } from './read/page-reading.ts'

/**
 * Reports when a stream has caught up and when it falls behind again, once for each change. It has caught up when a
 * live scan ends and the history has ended; it is behind if a live scan publishes something and takes longer than the
 * poll interval. Reports also the end of a history.
 */
export function scanProgress(
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
  observe: Observe,
): (reading: PageReading, published: number) => void {
  let state: 'unknown' | 'caught-up' | 'behind' = 'unknown'
  let startedAt = clock.monotonic()
  const tookMs = () => clock.monotonic() - startedAt
  return ({ scan, states, isLast }, published) => {
    const { lane, pages, clients } = scan
    if (isLast && lane === 'history') observe({ kind: 'history-done', clients })
    if (lane !== 'live') return
    if (pages === 1) startedAt = clock.monotonic()
    if (isLast && state !== 'caught-up' && states.history.state === 'done') {
      state = 'caught-up'
      observe({ kind: 'caught-up', clients, pages, tookMs: Math.round(tookMs()) })
    } else if (!isLast && published > 0 && state === 'caught-up' && tookMs() > intervalMs) {
      state = 'behind'
      observe({ kind: 'fell-behind' })
    }
  }
}
