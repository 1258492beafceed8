import type { Clock } from '../runtime/clock.ts'
import type { PageReading } from './page-reader.ts'
import type { Observe } from './pipeline-event.ts'

/**
 * Tells when a stream has caught up, and when it falls behind again: once for each change. Behind is a drain that brings something new and
 * takes longer than a poll interval; several pages at each poll are the rule where much changes.
 */
export function drainProgress(
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
  observe: Observe,
): (reading: PageReading, published: number) => void {
  let state: 'unknown' | 'caught-up' | 'behind' = 'unknown'
  let pages = 0
  let clients = 0
  let began = clock.monotonic()
  const tookMs = () => clock.monotonic() - began
  return ({ page, beginsDrain, isLastOfDrain }, published) => {
    if (beginsDrain) {
      pages = 0
      clients = 0
      began = clock.monotonic()
    }
    pages += 1
    clients += page.clients.length
    if (isLastOfDrain && state !== 'caught-up') {
      state = 'caught-up'
      observe({ kind: 'caught-up', clients, pages, tookMs: Math.round(tookMs()) })
    } else if (!isLastOfDrain && published > 0 && state === 'caught-up' && tookMs() > intervalMs) {
      state = 'behind'
      observe({ kind: 'fell-behind' })
    }
  }
}
