import type { SourceTime } from '../source/client-source.ts'
import { wallClock } from '../source/source-time.ts'
import { positionOf } from './scan-order.ts'
import type { Scan } from './scan-state.ts'

/**
 * The part of the time from a scan's beginning to now (ms since 1970) that it has read, from 0 to 1; undefined if the
 * modification time is not mapped or the server returns clients in another order. Pure.
 */
export function shareDone(
  { from, order }: Pick<Scan, 'from' | 'order'>,
  now: number,
  timeZone: string,
): number | undefined {
  const position = positionOf(order)
  if (position === null) return undefined
  const [begin, at, end] = [from, position, wallClock(now, timeZone)].map(asUtc) as [number, number, number]
  return end <= begin ? 1 : Math.min(1, Math.max(0, (at - begin) / (end - begin)))
}

const asUtc = (text: SourceTime) => Date.parse(`${text}Z`)
