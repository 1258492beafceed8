import type { Admin, Kafka, Producer, ProducerConfig, ProducerRecord, RecordMetadata } from 'kafkajs'
import { CompressionTypes } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type NeededAcls, publishError } from './classify-kafka-error.ts'
import type { Destination, OutgoingRecord } from './event-publisher.ts'
import { type KafkaClient, retryOptions } from './kafka-client.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { planningPartitions } from './kafkajs/planned-partitions.ts'
import { partitionBatches } from './outgoing-batches.ts'
import { type PartitionChunk, sendBatches } from './send-batches.ts'
import type { StreamNames } from './stream-names.ts'
import { readTopics, type Topics } from './topics.ts'
import { untilAborted } from './until-aborted.ts'

/** What both kinds of session are built from. `connect` gives a client of its own each time, so that one can be cut alone. */
export interface SessionParts {
  readonly config: KafkaConfig
  readonly names: StreamNames
  readonly clock: Clock
  readonly connect: () => KafkaClient
}

/** What an admin connection needs of it. */
export interface AdminParts extends Pick<SessionParts, 'clock' | 'connect'> {
  readonly config: Pick<KafkaConfig, 'timeouts'>
}

/** A connected producer with the client that only it uses. */
export interface OpenProducer {
  readonly client: KafkaClient
  readonly producer: Producer
}

/** The topics of the stream, created where needed. Rejects with `publish.*` or the reason of `stop`. */
export function openTopics(parts: SessionParts, stop: AbortSignal): Promise<Topics> {
  const { events, deadLetters } = parts.config.topic
  const read = (admin: Admin) => readTopics(admin, parts.config.topic, { clock: parts.clock, stop })
  return withAdmin(parts, { operation: `open topics ${events} and ${deadLetters}`, work: read }, stop)
}

export const destinationOf = ({ clusterId, events }: Topics): Destination => ({ clusterId, ...events })

/** Uses an admin connection once and closes it. Rejects with `publish.*` or the reason of `stop`. */
export function withAdmin<Result>(
  parts: AdminParts,
  use: { operation: string; needs?: NeededAcls; work: (admin: Admin) => Promise<Result> },
  stop: AbortSignal,
): Promise<Result> {
  return withConnection(parts, { ...use, open: (kafka) => kafka.admin() }, stop)
}

/** Uses what `open` gives once, on a connection of its own, and closes it. Rejects with `publish.*` or the reason of `stop`. */
export async function withConnection<Opened extends Pick<Admin, 'connect' | 'disconnect'>, Result>(
  parts: AdminParts,
  use: {
    operation: string
    needs?: NeededAcls
    open: (kafka: Kafka) => Opened
    work: (opened: Opened) => Promise<Result>
  },
  stop: AbortSignal,
): Promise<Result> {
  const client = parts.connect()
  const opened = use.open(client.kafka)
  const connectAndWork = async () => {
    await opened.connect()
    return await use.work(opened)
  }
  try {
    return await withinOpening(parts, connectAndWork, stop)
  } catch (error) {
    stop.throwIfAborted()
    throw neverFenced(publishError(use.operation, error, use.needs))
  } finally {
    void endConnection(parts, { client, disconnect: () => opened.disconnect() })
  }
}

/** A producer on which `start` has succeeded; whatever fails, nothing of it remains. Rejects with kafkajs' errors or the reason of `stop`. */
export async function openProducer<Started>(
  parts: SessionParts,
  options: ProducerConfig & { start: (producer: Producer) => Promise<Started> },
  stop: AbortSignal,
): Promise<OpenProducer & { started: Started }> {
  const { start, ...config } = options
  const client = parts.connect()
  const producer = client.kafka.producer({
    ...config,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: () => partitionAlreadyChosen,
    retry: retryOptions(parts.config.retry),
  })
  const connectAndStart = async () => {
    await producer.connect()
    return await start(producer)
  }
  try {
    return { client, producer, started: await withinOpening(parts, connectAndStart, stop) }
  } catch (error) {
    cutConnection({ client, disconnect: producer.disconnect })
    throw error
  }
}

const partitionAlreadyChosen = ({ message }: { message: { partition?: number } }): number => {
  if (message.partition === undefined) throw new Error('a record without a partition')
  return message.partition
}

async function withinOpening<Result>(parts: AdminParts, work: () => Promise<Result>, stop: AbortSignal) {
  stop.throwIfAborted()
  using limit = parts.clock.deadline(parts.config.timeouts.commitWithinMs, stop)
  return await untilAborted(limit.signal, work())
}

/** Sends records through `send` of a producer or a transaction, as `sendBatches` says; given up once the session is ending. */
export async function sendRecords(
  parts: SessionParts & { readonly topics: Topics; readonly ending: Promise<void> | undefined },
  records: readonly OutgoingRecord[],
  send: (record: ProducerRecord) => Promise<RecordMetadata[]>,
): Promise<void> {
  const { config, clock, topics } = parts
  const layout = { ...topics, maxMessageBytes: config.maxMessageBytes, publishedAt: clock.now() }
  const compression = config.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const timeout = config.timeouts.requestMs
  const batches = partitionBatches(records, layout)
  const sending = {
    send: ({ topic, messages }: PartitionChunk) =>
      send({ topic, messages, acks: -1, compression, timeout }).catch((error) => {
        throw publishError(`publish ${messages.length} records to ${topic}`, error, { 29: `WRITE on topic ${topic}` })
      }),
    isGivenUp: () => parts.ending !== undefined,
  }
  await planningPartitions(batches, () => sendBatches(batches, sending))
}

interface Connection {
  readonly client: KafkaClient
  readonly disconnect: () => Promise<void>
}

/** Closes politely for at most `closeMs`, then by force. Never rejects. */
export async function endConnection(parts: AdminParts, connection: Connection): Promise<void> {
  using limit = parts.clock.deadline(parts.config.timeouts.closeMs)
  await untilAborted(limit.signal, connection.disconnect()).catch(() => undefined)
  cutConnection(connection)
}

/** Closes by force: what is in flight fails, and kafkajs cannot reconnect by itself. */
export function cutConnection({ client, disconnect }: Connection): void {
  client.cut()
  disconnect().catch(() => undefined)
}

/** Outside of transactions nobody fences: such a code only means that kafkajs does not know it. */
export function neverFenced(error: ConnectorError): ConnectorError {
  return error.code === 'publish.fenced'
    ? new ConnectorError('publish.failed', error.message, { cause: error.cause })
    : error
}
