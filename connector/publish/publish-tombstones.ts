import type { Tombstone } from '../event/client-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import {
  type Destination,
  type EventPublisher,
  type OpenTransaction,
  optionsWithoutCheckpoint,
  type StreamProducer,
} from './event-publisher.ts'

interface TombstoneParts {
  /** This publisher creates no topics. */
  readonly publisher: EventPublisher
  readonly clock: Clock
  /** Returns the tombstones for the topic as it is now, see `tombstonePartitions`. */
  readonly tombstones: (destination: Destination) => readonly Tombstone[]
}

/** Describes the topic of the stream when that began in it, by its document. */
export interface StreamTopic extends Pick<Destination, 'topicId'> {
  /** The field of `CheckpointDocument` with this name explains it. */
  readonly firstPartitions: number | null
}

/**
 * Returns the partitions in which a client may be (docs/decisions/20261202-partitions-of-tombstones.md). While the
 * topic has as many as when the stream began in it, these are the partition of the key, and others in which a record of
 * the client was seen. If it has more, or that is not known, a client may be in any partition. A tombstone in a
 * partition without the client may delete too much:
 *   1. The client comes back, and is published to its partition.
 *   2. A consumer reads that partition first, and then the tombstone in the other one.
 */
export function tombstonePartitions(
  { topicId, partitions }: Destination,
  atBeginning: StreamTopic | undefined,
  { ofKey, seen }: { ofKey: number; seen: Iterable<number> },
): readonly number[] {
  const isAsAtBeginning = atBeginning?.topicId === topicId && atBeginning.firstPartitions === partitions
  return isAsAtBeginning
    ? [...new Set([ofKey, ...seen])]
    : Array.from({ length: partitions }, (_, partition) => partition)
}

/** An erasure that was fenced is tried again for at most this time. */
const REPEAT_WITHIN_MS = 60_000
/** A fenced replica opens its stream again 2.5 seconds later at the earliest. */
const REPEAT_AFTER_MS = 1_000

/**
 * Commits one transaction of tombstones under the stream's transactional id. That fences the replica that runs the
 * stream, which opens the stream again, and reads again what it was publishing. Resolves with how many tombstones are
 * in the topic; with 0 if nothing was ever written to it. Rejects with `publish.*` or the reason of `stop`: then there
 * may be tombstones or not. Tries again only after it was fenced.
 */
export async function publishTombstones(parts: TombstoneParts, stop: AbortSignal): Promise<number> {
  const { publisher, clock } = parts
  const repeatUntil = clock.monotonic() + REPEAT_WITHIN_MS
  for (;;) {
    const producer = await publisher.open(optionsWithoutCheckpoint, stop)
    try {
      return await publishOnce(parts, producer, stop)
    } catch (error) {
      if (codeOf(error) !== 'publish.fenced' || clock.monotonic() >= repeatUntil) throw error
    } finally {
      await producer.close()
    }
    await clock.sleep(REPEAT_AFTER_MS * clock.random(), stop)
  }
}

async function publishOnce({ tombstones }: TombstoneParts, producer: StreamProducer, stop: AbortSignal) {
  const { destination, openTransactions, isTopicEmpty } = await producer.readKafkaState(
    { formerProducerId: null },
    stop,
  )
  // A marker of ours would also end a transaction that has lost its marker, and nothing here has decided how that must
  // end.
  if (openTransactions.length > 0) throw missingMarkerError(openTransactions)
  // A topic with nothing but tombstones would hold a new stream.
  if (isTopicEmpty) return 0
  const records = tombstones(destination)
  await using transaction = producer.begin(stop)
  await transaction.send(records)
  await transaction.commit(null)
  await producer.mustNotBeFenced(stop)
  return records.length
}

function missingMarkerError(open: readonly OpenTransaction[]) {
  const places = open.map(({ topic, partition }) => `${topic} partition ${partition}`).join(', ')
  return new ConnectorError(
    'publish.failed',
    `publish tombstones: the last transaction of the stream has no marker in ${places}; nothing was sent: pause and resume the stream (a paused one: resume), so that a replica opens and repairs it, then repeat the command`,
  )
}
