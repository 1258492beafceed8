import { randomUUID } from 'node:crypto'
import { type TombstoneType, tombstones } from '../event/cloud-event/event-form.ts'
import { withoutCreation } from '../kafka/kafka-config.ts'
import { partitionOf } from '../kafka/partitioner.ts'
import { kafkaEventPublisher } from '../kafka/transactions/stream-producer.ts'
import type { Destination } from '../publish/event-publisher.ts'
import { publishTombstones, type StreamTopic, tombstonePartitions } from '../publish/publish-tombstones.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type Answer, invalidRequest, type RunCommand } from './command.ts'
import { type ChosenStream, namedClients, withStream } from './command-resources.ts'
import { readableDocument, seeStream } from './seen-stream.ts'

export const erase: RunCommand = async (args, parts) => {
  const type = args.as === 'removed' ? 'client.removed' : 'client.erased'
  const clients = await namedClients(args, parts)
  if (clients.length === 0) throw invalidRequest('--client must name the clients to erase')
  return await withStream(args, parts, (chosen) => eraseClients({ type, clients }, chosen, parts.stop))
}

interface Erasure {
  readonly type: TombstoneType
  readonly clients: readonly string[]
  /** The partitions in which records of a client were seen; absent: the topic was not read. */
  readonly seenIn?: (client: string) => Iterable<number>
}

/** Erases the clients. Rejects with `publish.*` or the reason of `stop`. */
export async function eraseClients(
  { type, clients, seenIn = () => [] }: Erasure,
  chosen: ChosenStream,
  stop: AbortSignal,
): Promise<Answer> {
  const { stream, shared } = chosen
  const beginning = await destinationAtBeginning(chosen, stop)
  const { clock, config } = shared
  const parts = { connector: config.connector, stream: stream.name, clock }
  const publisher = kafkaEventPublisher(withoutCreation(stream.kafka), parts)
  const { source } = stream.events.form
  const timeMs = clock.now()
  const ids = new Map(clients.map((clientId) => [clientId, randomUUID()]))
  const forAll = (destination: Destination) =>
    [...ids].flatMap(([clientId, id]) => {
      const ofKey = partitionOf(Buffer.from(clientId), destination.partitions)
      const places = tombstonePartitions(destination, beginning, { ofKey, seen: seenIn(clientId) })
      return tombstones({ type, source, timeMs, clientId, id }, places)
    })
  const sent = await publishTombstones({ publisher, clock, tombstones: forAll }, stop)
  // Invariant 8: no client id is printed.
  const text = sent === 0 ? 'nothing was ever written to the topic, nobody to erase' : 'erased'
  return { exit: 0, value: `stream ${stream.name}: ${text}; clients: ${clients.length}, tombstones: ${sent}` }
}

/**
 * Returns the topic with its partitions when the stream began there; undefined if the document cannot be read: an
 * erasure does not wait for S3. Rejects with the reason of `stop`.
 */
async function destinationAtBeginning(chosen: ChosenStream, stop: AbortSignal): Promise<StreamTopic | undefined> {
  try {
    return readableDocument(await seeStream(chosen, stop))?.destination
  } catch (error) {
    if (error instanceof ConnectorError) return undefined
    throw error
  }
}
