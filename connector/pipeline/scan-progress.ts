import type { Clock } from '../runtime/clock.ts'
import { LIVE } from '../scan/scan-state.ts'
import { isEndUnconfirmed } from '../scan/scan-step.ts'
import type { Observe } from './pipeline-event.ts'
import type { PageReading } from './read/page-reading.ts'

/**
 * Reports when a stream has caught up and when it falls behind again, once for each change. It has caught up when a
 * live scan ends and the backfill is done; it is behind if a live scan publishes something and takes longer than the
 * poll interval. Reports also when a backfill or full scan is done.
 */
export function scanProgress(
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
  observe: Observe,
): (reading: PageReading, published: number) => void {
  let state: 'unknown' | 'caught-up' | 'behind' = 'unknown'
  let startedAt = clock.monotonic()
  const tookMs = () => clock.monotonic() - startedAt
  return ({ page, scan, states, isFirst, isLast }, published) => {
    const { kind, pages, clients, startedAtOurs } = scan
    if (isLast && (kind === 'backfill' || kind === 'full'))
      observe({ kind: 'scan-done', scan: kind, clients, pages, tookMs: clock.now() - (startedAtOurs ?? clock.now()) })
    if (isLast && isEndUnconfirmed(page, scan)) observe({ kind: 'scan-end-unconfirmed', scan: kind, clients })
    if (scan.tag !== LIVE) return
    if (isFirst) startedAt = clock.monotonic()
    if (isLast && state !== 'caught-up' && states.backfill.state === 'done') {
      state = 'caught-up'
      observe({ kind: 'caught-up', clients, pages, tookMs: Math.round(tookMs()) })
    } else if (!isLast && published > 0 && state === 'caught-up' && tookMs() > intervalMs) {
      state = 'behind'
      observe({ kind: 'fell-behind' })
    }
  }
}
