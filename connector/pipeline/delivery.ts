import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import type { StreamProducer } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { PageGroup } from './group/builder-state.ts'
import type { Observe, PipelineEvent } from './pipeline-event.ts'

/** Holds the checkpoint of a claimed stream, and its producer, which stays open as long as the stream. */
export interface OpenedStream {
  readonly producer: StreamProducer
  readonly checkpoint: StreamCheckpoint
}

/** Holds a page group, and the events to report once it is delivered. */
export interface FinishedPageGroup {
  readonly group: PageGroup
  readonly events: readonly PipelineEvent[]
}

/** Delivers page groups, one after another, to Kafka and into the checkpoint. */
interface PageGroupDelivery {
  /** Resolves once the group is delivered. After a rejection the stream must be opened again. */
  deliver(finishedGroup: FinishedPageGroup): Promise<void>
  /** Invariant 6: stores the current state as committed, with nothing pending, unless that is stored already. */
  save(): Promise<void>
  /**
   * Waits until `savePeriodMs` have passed since the last write, then saves, so that the commit record of a pending
   * state does not expire before. Does nothing if `cancel` aborts first.
   */
  saveInTime(cancel: AbortSignal): Promise<void>
}

export interface DeliveryParts extends DeliveryLimits {
  readonly clock: Clock
  /**
   * A state that a transaction has decided is stored as committed within this time. Resume points that change without a
   * transaction are saved at most once in this time.
   */
  readonly savePeriodMs: number
  readonly observe: Observe
  /** Is called for each delivered group, before its events are reported. */
  readonly onDelivered: (group: PageGroup) => void
}

export function pageGroupDelivery(parts: DeliveryParts, openedStream: OpenedStream): PageGroupDelivery {
  const { clock, observe } = parts
  const { checkpoint } = openedStream
  // `lastWriteAt` is the time of the last save or transaction. The first period counts from the beginning of this run.
  let lastWriteAt = clock.monotonic()
  const noteWrite = () => {
    lastWriteAt = clock.monotonic()
  }
  const saveDueInMs = () => Math.max(0, lastWriteAt + parts.savePeriodMs - clock.monotonic())
  const save = async () => {
    if (checkpoint.isSaved()) return
    await withDeadline(parts, (finish) => checkpoint.save(finish))
    noteWrite()
  }
  return {
    deliver: async ({ group, events }) => {
      const startedAt = clock.monotonic()
      await withDeadline(parts, openedStream.producer.mustHaveItsTopic)
      if (group.records.length > 0) {
        await withDeadline(parts, (finish) => deliverGroup(group, openedStream, finish))
        noteWrite()
      } else {
        // A group without records changes only resume points: it needs no transaction, and is saved when that is due.
        checkpoint.advance(group.change)
        if (saveDueInMs() === 0) await save()
      }
      parts.onDelivered(group)
      observe(publishedEvent(group, checkpoint, { tookMs: clock.monotonic() - startedAt, now: clock.now() }))
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
  checkpoint: StreamCheckpoint,
  { tookMs, now }: { tookMs: number; now: number },
): PipelineEvent {
  const { pages, deadLetters, countsByLane, changeTimes, newestChange, valueBytes, hasLiveEnd, change } = group
  const { table } = checkpoint
  const indexSize = {
    clients: table.size(),
    memoryBytes: table.bytes(),
    segments: checkpoint.state().index.segments.length,
  }
  return {
    kind: 'pages-published',
    pages,
    countsByLane,
    deadLetters,
    bytes: valueBytes,
    tookMs,
    delays: changeTimes.map((at) => now - at),
    newestChange,
    hasLiveEnd,
    seq: checkpoint.seq(),
    scans: change.scans,
    indexSize,
  }
}

/**
 * Publishes a group and moves the checkpoint: S3 prepares, Kafka decides
 * (docs/decisions/20261125-s3-prepares-kafka-decides.md). A crash loses and repeats nothing at any step:
 *   1. S3 stores state 7 as committed, and what state 8 adds as pending.
 *   2. The events are sent in a transaction, so readers of committed records do not see them. After a crash here, the
 *      fence of the next opening aborts the transaction, and Kafka has the commit record of 7: state 7 is valid, and
 *      the pages are read again.
 *   3. The commit makes the events and the commit record of 8 visible together. After a crash here, or if the answer is
 *      lost, the next opening finds one record or the other, and with it the valid state.
 *   4. The next write to S3 stores state 8 as committed.
 * Rejects unless both S3 and Kafka have confirmed: then the stream must be opened again.
 */
export async function deliverGroup(
  group: PageGroup,
  { producer, checkpoint }: OpenedStream,
  finish: AbortSignal,
): Promise<void> {
  // Invariant 2: S3 is prepared before anything is sent, so an open transaction is always that of the stored `pending`.
  const commitRecord = await checkpoint.prepare(group.change, finish)
  // Disposal aborts the transaction unless it is committed, since an open one blocks all readers of committed records.
  await using transaction = producer.begin(finish)
  await transaction.send(group.records)
  // Invariants 1, 2: all records are stored and the next state is in S3; the commit makes both valid, or neither.
  await transaction.commit(commitRecord)
  checkpoint.markCommitted()
}

interface DeliveryLimits {
  readonly clock: Clock
  /** Limits the time of one delivery, one save or one check of the topic. */
  readonly deliverWithinMs: number
  /** Aborts when the time limit of a stop has passed. */
  readonly giveUp: AbortSignal
}

/**
 * Runs one delivery, one save or one check of the topic. `finish` aborts at the deadline, or when the time limit of a
 * stop has passed. A timeout becomes `storage.unavailable`: Kafka requests have time limits and codes of their own.
 */
export async function withDeadline<Result>(
  limits: DeliveryLimits,
  work: (finish: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using deadline = limits.clock.deadline(limits.deliverWithinMs, limits.giveUp)
  try {
    return await work(deadline.signal)
  } catch (error) {
    if (!deadline.signal.aborted || error !== deadline.signal.reason) throw error
    throw new ConnectorError('storage.unavailable', `write checkpoint: timed out after ${limits.deliverWithinMs} ms`, {
      cause: error,
    })
  }
}
