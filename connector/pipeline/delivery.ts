import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import type { StreamProducer } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { PageGroup } from './group/building.ts'
import type { Observe, PipelineEvent } from './pipeline-event.ts'

/** A claimed stream and its producer, which stays open as long as the stream. */
export interface OpenStream {
  readonly producer: StreamProducer
  readonly checkpoint: StreamCheckpoint
}

/** A page group, and the events to report once it is delivered. */
export interface FinishedPageGroup {
  readonly group: PageGroup
  readonly events: readonly PipelineEvent[]
}

/** Delivers page groups, one after another, to Kafka and into the checkpoint. */
interface PageGroupDelivery {
  /** Resolves once the group is delivered. After a rejection the stream must be opened again. */
  deliver(finished: FinishedPageGroup): Promise<void>
  /** Invariant 6: writes the state reached as committed, with nothing pending, unless that is already stored. */
  save(): Promise<void>
  /**
   * Saves `savePeriodMs` after the last write, before the commit record of a pending state expires. Does nothing if
   * `cancel` aborts first.
   */
  saveInTime(cancel: AbortSignal): Promise<void>
}

export interface DeliveryParts extends DeliveryTime {
  readonly clock: Clock
  /** Minimum time between saves without changes; maximum time until a decided state is stored as committed. */
  readonly savePeriodMs: number
  readonly observe: Observe
  /** Called for each delivered group, before its events are reported. */
  readonly onDelivered: (group: PageGroup) => void
}

export function pageGroupDelivery(parts: DeliveryParts, stream: OpenStream): PageGroupDelivery {
  const { clock, observe } = parts
  const { checkpoint } = stream
  let savedAt = clock.monotonic()
  const noteSave = () => {
    savedAt = clock.monotonic()
  }
  // A group without records changes only resume points.
  const saveDueInMs = () => Math.max(0, savedAt + parts.savePeriodMs - clock.monotonic())
  const save = async () => {
    if (checkpoint.isSaved()) return
    await withDeadline(parts, (finish) => checkpoint.save(finish))
    noteSave()
  }
  const advance = async ({ change }: PageGroup) => {
    checkpoint.advance(change)
    if (saveDueInMs() === 0) await save()
  }
  return {
    deliver: async ({ group, events }) => {
      const began = clock.monotonic()
      await withDeadline(parts, stream.producer.mustHaveItsTopic)
      if (group.records.length > 0) {
        await withDeadline(parts, (finish) => deliverGroup(group, stream, finish))
        noteSave()
      } else await advance(group)
      parts.onDelivered(group)
      observe(publishedEvent(group, { tookMs: clock.monotonic() - began, now: clock.now(), checkpoint }))
      for (const event of events) observe(event)
    },
    save,
    saveInTime: async (cancel) => {
      if (checkpoint.isSaved()) return
      const isDue = await clock.sleep(saveDueInMs(), cancel).then(
        () => true,
        () => false,
      )
      if (isDue) await save()
    },
  }
}

function publishedEvent(
  group: PageGroup,
  done: { tookMs: number; now: number; checkpoint: StreamCheckpoint },
): PipelineEvent {
  const { pages, deadLetters, scans, changedAt, newestChange, size, hasLiveEnd, change } = group
  const { tookMs, now, checkpoint } = done
  const { table } = checkpoint
  const index = {
    clients: table.size(),
    memoryBytes: table.bytes(),
    segments: checkpoint.state().index.segments.length,
  }
  return {
    kind: 'pages-published',
    pages,
    scans,
    deadLetters,
    bytes: size,
    tookMs,
    delays: changedAt.map((at) => now - at),
    newestChange,
    hasLiveEnd,
    seq: checkpoint.seq(),
    states: change.scans,
    index,
  }
}

/**
 * Publishes a group and writes its change to the checkpoint: S3 prepares, Kafka decides. Rejects unless both are
 * confirmed: reopen the stream.
 */
export async function deliverGroup(
  group: PageGroup,
  { producer, checkpoint }: OpenStream,
  finish: AbortSignal,
): Promise<void> {
  // Invariant 2: S3 is prepared before anything is sent, so an open transaction is always that of the stored `pending`.
  const record = await checkpoint.prepare(group.change, finish)
  // Aborts unless committed: an open transaction blocks all committed readers.
  await using transaction = producer.begin(finish)
  await transaction.send(group.records)
  // Invariants 1, 2: all records are stored and the next state is in S3; the commit makes both valid, or neither.
  await transaction.commit(record)
  checkpoint.markDecided()
}

interface DeliveryTime {
  readonly clock: Clock
  /** Time limit of one delivery. */
  readonly deliverWithinMs: number
  /** Aborts when the time limit of a stop has passed. */
  readonly giveUp: AbortSignal
}

/**
 * Runs one delivery. A timeout becomes `storage.unavailable`: Kafka requests have time limits and codes of their own.
 */
export async function withDeadline<Result>(
  time: DeliveryTime,
  deliver: (finish: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using deadline = time.clock.deadline(time.deliverWithinMs, time.giveUp)
  try {
    return await deliver(deadline.signal)
  } catch (error) {
    if (!deadline.signal.aborted || error !== deadline.signal.reason) throw error
    throw new ConnectorError('storage.unavailable', `write checkpoint: timed out after ${time.deliverWithinMs} ms`, {
      cause: error,
    })
  }
}
