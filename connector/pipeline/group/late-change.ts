import type { ModificationTime } from '../../event/modification-time.ts'
import type { ScanSettings, Times } from '../../scan/scan-settings.ts'
import { RECHECK, type Scan, type ScanKind, type ScanStates } from '../../scan/scan-state.ts'

/** A change that no live scan returned in time. `ms`: its delay; undefined if the modification time is unknown. */
export interface LateChange {
  readonly scan: ScanKind
  readonly ms: number | undefined
}

/** What became of the clients of a scan in one group. */
export interface ScanCounts {
  events: number
  suppressed: number
  /** Not published: another scan had published the client after the first response of this one. */
  superseded: number
  readonly late: LateChange[]
}

/**
 * Whether an event is late: a look-back or full scan published it first although a live scan that began after the
 * change, plus the overlap, should have returned it. Without a time of day, only the kind of scan shows it.
 */
export function lateChange(
  modified: ModificationTime | undefined,
  parts: { scan: Scan; states: ScanStates; readAt: Times; settings: ScanSettings },
): LateChange | undefined {
  const { scan, states, readAt, settings } = parts
  const { live } = states
  const isExpected = scan.kind === 'live' || scan.kind === 'backfill' || scan.tag === RECHECK
  if (isExpected || states.backfill === 'due' || live.startedAt === null) return undefined
  if (modified === undefined || !modified.hasTimeOfDay) return { scan: scan.kind, ms: undefined }
  const isLate = modified.instant < live.startedAt - settings.overlapMs
  return isLate ? { scan: scan.kind, ms: Math.max(0, readAt.server - modified.instant) } : undefined
}

/** When a change was made that a live scan publishes, by our clock; undefined if its time of day is not known. */
export function changedAt(
  modified: ModificationTime | undefined,
  { scan, readAt }: { scan: Scan; readAt: Times },
): number | undefined {
  if (scan.kind !== 'live' || modified?.hasTimeOfDay !== true) return undefined
  return modified.instant + readAt.ours - readAt.server
}

/** When a change was made, by the server's clock: now, at the latest. A date alone does not say when on its day. */
export function changeTime(modified: ModificationTime | undefined, { server }: Times): number {
  return modified?.hasTimeOfDay === true ? Math.min(modified.instant, server) : server
}
