import { type CompletedScan, scanCompleted } from '../../../event/scan-completed.ts'
import { isEndUnconfirmed } from '../../../scan/scan-step.ts'
import type { PageReading } from '../../read/page-reading.ts'
import type { Feature, OpenedStream, Part } from '../part.ts'

/** Publishes that a backfill, a full scan, or a scan that publishes all clients again is complete. */
export const progress = (eventsTopic: string): Feature => ({
  name: 'progress',
  open: (stream) => progressPart(stream, eventsTopic),
})

type Ended = Omit<CompletedScan, 'events'>

function progressPart(stream: OpenedStream, topic: string): Part {
  const { group, eventSource: source } = stream
  let ended: Ended | undefined
  return {
    name: 'progress',
    endPage: (reading) => {
      ended ??= endedScan(reading, stream)
      return undefined
    },
    finish: () => {
      if (ended === undefined) return undefined
      const completed = { ...ended, events: group.events }
      ended = undefined
      return {
        events: [],
        lastRecord: ({ nonce }, endOffsets) => scanCompleted(completed, { source, topic, endOffsets, nonce }),
      }
    },
  }
}

/** Undefined unless the page is the last one of a scan of all clients. */
function endedScan({ scan, page, isLast, readAt }: PageReading, stream: OpenedStream): Ended | undefined {
  const kind = kindOf(scan, stream)
  if (!isLast || kind === undefined) return undefined
  const { from: lastChanged, pages, clients, startedAtOurs } = scan
  const { ours: endedAt } = readAt
  const startedAt = startedAtOurs ?? endedAt
  const confirmed = !scan.hasResumed && !isEndUnconfirmed(page, scan)
  return { scan: kind, lastChanged, startedAt, endedAt, confirmed, pages, clients }
}

function kindOf(
  { kind, request, from }: PageReading['scan'],
  { group, beginAt }: OpenedStream,
): Ended['scan'] | undefined {
  if (kind === 'backfill' || kind === 'full') return kind
  // Only a request for all clients has a rate.
  if (request?.maxPerSecond == null || from > beginAt) return undefined
  const isComplete = group.carriedOut.some(({ id, outcome }) => id === request.id && outcome === 'complete')
  return isComplete ? 'republish' : undefined
}
