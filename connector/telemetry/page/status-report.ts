import type { Clock } from '../../runtime/clock.ts'
import { secondsSince, type WatchedStream } from '../health.ts'
import type { ReplicaHealth } from '../replica-watch.ts'
import { lookBackReports, scanReports } from '../scan-status.ts'
import { isActive } from '../stream-status.ts'

/** What `/status` shows of the streams besides their health. */
export function statusReport({ streams, ...rest }: ReplicaHealth, watched: readonly WatchedStream[], clock: Clock) {
  return { ...rest, streams: streams.map((stream, index) => ({ ...stream, ...details(watched[index], clock) })) }
}

/** Omits the position of a stream that runs elsewhere; it would be stale. */
function details(watched: WatchedStream | undefined, clock: Clock) {
  if (watched === undefined) return {}
  const { poll, status } = watched
  const { epoch, seq, lastChanged, savedAt, liveScanAt, scans, index, removal, certificates, totals } = status
  if (!isActive(status)) return { totals }
  const now = clock.monotonic()
  const reading = scans && {
    backfill: scans.states.backfill,
    scans: scanReports(scans, poll, clock),
    lookBacks: lookBackReports(scans, poll, clock),
  }
  return {
    ...{ epoch, seq, lastChanged, pollSeconds: poll.intervalMs / 1000 },
    ...(savedAt === undefined ? {} : { checkpointAgeSeconds: secondsSince(savedAt, now) }),
    ...(liveScanAt === undefined ? {} : { secondsSinceLiveScan: secondsSince(liveScanAt, now) }),
    ...{ ...reading, index, removal, certificates: mapDates(certificates), totals },
  }
}

const mapDates = (times: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, new Date(ms).toISOString()]))
