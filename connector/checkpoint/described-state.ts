import { deltaEntries, type IndexState } from '../index/index-state.ts'
import { positionOf } from '../scan/scan-order.ts'
import { BACKFILL, RECHECK, type ScanStates, scanWith } from '../scan/scan-state.ts'
import type { SourceTime } from '../source/client-source.ts'
import { serverTimeText, wallClock } from '../source/source-time.ts'
import type { StreamState } from './stream-state.ts'

/** What a state means, in one sentence. `timeZone`: the server's (IANA name). Pure. */
export function describedState({ events, scans, recheck, index }: StreamState, timeZone: string): string {
  const liveUntil = readUntil(scans, timeZone)
  const again = recheck ?? scanWith(scans, RECHECK)
  return [
    `${events} events`,
    `at most ${indexEntries(index)} clients in the index`,
    liveUntil === undefined ? 'no live scan completed' : `live until ${serverTimeText(liveUntil)}`,
    describedBackfill(scans),
    ...(again === undefined ? [] : [`to be read again from ${serverTimeText(again.from)}`]),
  ].join(', ')
}

/** Start of the last completed live scan, on the server's wall clock; undefined before. */
function readUntil({ live }: ScanStates, timeZone: string): SourceTime | undefined {
  return live.startedAt === null ? undefined : wallClock(live.startedAt, timeZone)
}

function describedBackfill(scans: ScanStates): string {
  if (scans.backfill.state === 'done') return 'backfill done'
  const scan = scanWith(scans, BACKFILL)
  if (scan === undefined || scan.pages === 0) return 'backfill due'
  const { clients, order } = scan
  const position = positionOf(order)
  return `backfill in progress${position === null ? '' : ` at ${serverTimeText(position)}`} (${clients} clients read)`
}

/** A client may have several entries. */
function indexEntries({ segments, delta }: IndexState): number {
  return segments.reduce((sum, { entries }) => sum + entries, deltaEntries(delta))
}
