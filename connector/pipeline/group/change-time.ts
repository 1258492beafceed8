import type { ModificationTime } from '../../event/modification-time.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Scan } from '../../scan/scan-state.ts'

/** When a change was made that a live scan publishes, by our clock; undefined if its time of day is not known. */
export function changedAt(
  modified: ModificationTime | undefined,
  { scan, readAt }: { scan: Scan; readAt: Times },
): number | undefined {
  if (scan.lane !== 'live' || modified?.hasTimeOfDay !== true) return undefined
  return modified.instant + readAt.ours - readAt.server
}

/** When a change was made, by the server's clock: now, at the latest. A date alone does not say when on its day. */
export function changeTime(modified: ModificationTime | undefined, { server }: Times): number {
  return modified?.hasTimeOfDay === true ? Math.min(modified.instant, server) : server
}
