import type { SourceTime } from '../source/client-source.ts'
import { wallClock } from '../source/source-time.ts'
import type { Scan } from './scan-state.ts'

/**
 * The part of the time from a scan's beginning to now (ms since 1970) that it has read, from 0 to 1; undefined if the
 * modification time is not mapped. Pure.
 */
export function shareDone(
  { from, lastModifiedAt }: Pick<Scan, 'from' | 'lastModifiedAt'>,
  now: number,
  timeZone: string,
): number | undefined {
  if (lastModifiedAt === null) return undefined
  const [begin, at, end] = [from, lastModifiedAt, wallClock(now, timeZone)].map(asUtc) as [number, number, number]
  return end <= begin ? 1 : Math.min(1, Math.max(0, (at - begin) / (end - begin)))
}

const asUtc = (text: SourceTime) => Date.parse(`${text}Z`)
