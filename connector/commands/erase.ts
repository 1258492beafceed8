import { randomUUID } from 'node:crypto'
import { eventsReader } from '../compose/compose-inspection.ts'
import { type TombstoneType, tombstones } from '../event/cloud-event/event-form.ts'
import type { StoredEvent } from '../event/cloud-event/stored-event.ts'
import { withoutCreation } from '../kafka/kafka-config.ts'
import { partitionOf } from '../kafka/partitioner.ts'
import { kafkaEventPublisher } from '../kafka/transactions/stream-producer.ts'
import type { Destination } from '../publish/event-publisher.ts'
import type { ReadEvents } from '../publish/event-reading.ts'
import { publishTombstones, type StreamTopic, tombstonePartitions } from '../publish/publish-tombstones.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { invalidRequest, type RunCommand } from './command.ts'
import { type ChosenStream, namedClients, withStream } from './command-resources.ts'
import { readableDocument, seeStream } from './seen-stream.ts'

export const erase: RunCommand = async (args, parts) => {
  const type = args.as === 'removed' ? 'client.removed' : 'client.erased'
  const clients = await namedClients(args, parts)
  if (clients.length === 0) throw invalidRequest('--client must name the clients to erase')
  return await withStream(args, parts, async (chosen) => {
    const { stream, shared } = chosen
    const result = await eraseClients({ type, clients }, chosen, parts.stop)
    using _ = parts.showProgress(`${result}; reading the topic`)
    const absent = await absentIn(eventsReader(stream, shared), clients, parts.stop)
    const shown = absent.map((id) => JSON.stringify(id)).join(', ')
    return { exit: 0, value: `${result}; without a record in the topic: ${shown || 'none'}` }
  })
}

/**
 * Returns the clients of which the topic has no record but tombstones: their ids may be misspelled, or they were erased
 * long ago. Rejects with `publish.*` or the reason of `stop`.
 */
export async function absentIn(
  readEvents: ReadEvents,
  clients: readonly string[],
  stop: AbortSignal,
): Promise<readonly string[]> {
  const absent = new Set(clients)
  const find = ({ key, value }: StoredEvent) => (value === null ? undefined : (key ?? undefined))
  await readEvents({ find, onVisible: (key) => absent.delete(key) }, stop)
  return [...absent]
}

interface Erasure {
  readonly type: TombstoneType
  readonly clients: readonly string[]
  /** The partitions in which records of a client were seen; absent: the topic was not read. */
  readonly seenIn?: (client: string) => Iterable<number>
}

/** Erases the clients; resolves to what was done. Rejects with `publish.*` or the reason of `stop`. */
export async function eraseClients(
  { type, clients, seenIn = () => [] }: Erasure,
  chosen: ChosenStream,
  stop: AbortSignal,
): Promise<string> {
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
  const text = sent === 0 ? 'nothing was ever written to the topic, nobody to erase' : 'erased'
  return `stream ${stream.name}: ${text}; clients: ${clients.length}, tombstones: ${sent}`
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
