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
  /** Creates no topics. */
  readonly publisher: EventPublisher
  readonly clock: Clock
  /** The tombstones for the topic as it is, see `tombstonePartitions`. */
  readonly tombstones: (destination: Destination) => readonly Tombstone[]
}

/** The topic of the stream, by its document. */
export interface StreamTopic extends Pick<Destination, 'topicId'> {
  /** See `CheckpointDocument`. */
  readonly firstPartitions: number | null
}

/**
 * Where a client may be: in the partition of its key, and where else a record of it was seen, as long as the topic has as
 * many partitions as when the stream began there; in any partition else, or if that is unknown. A tombstone elsewhere
 * deletes more: 1. The client comes back, and is published. 2. A consumer reads its partition first, the other one later.
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

/** After that, it is not repeated. */
const REPEAT_WITHIN_MS = 60_000
/** A fenced replica opens its stream again 2.5 seconds later at the earliest. */
const REPEAT_AFTER_MS = 1_000

/**
 * Commits one transaction of tombstones under the stream's transactional id, which fences the replica that runs the
 * stream: it opens the stream again, and reads again what it was publishing. Resolves to how many tombstones are in the
 * topic; 0 if nothing was ever written to it. Rejects with `publish.*` or the reason of `stop`: then there may be
 * tombstones or not. Repeats itself only after being fenced.
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
  const { destination, open, isEmpty } = await producer.readKafkaState({ formerProducerId: null }, stop)
  // A marker of ours would also end what has lost its own, and nobody has decided here how it ends.
  if (open.length > 0) throw missingMarkerError(open)
  // A topic with nothing but tombstones would hold a new stream.
  if (isEmpty) return 0
  const records = tombstones(destination)
  await using transaction = producer.begin(stop)
  await transaction.send(records)
  await transaction.commit(null)
  await producer.mustNotBeFenced(stop)
  return records.length
}

function missingMarkerError(open: readonly OpenTransaction[]): ConnectorError {
  const places = open.map(({ topic, partition }) => `${topic} partition ${partition}`).join(', ')
  return new ConnectorError(
    'publish.failed',
    `publish tombstones: the last transaction of the stream has no marker in ${places}; nothing was sent: pause and resume the stream (a paused one: resume), so that a replica opens and repairs it, then repeat the command`,
  )
}
