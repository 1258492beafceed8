import type { Admin, Producer, ProducerConfig, ProducerRecord, RecordMetadata } from 'kafkajs'
import { CompressionTypes } from 'kafkajs'
import type { OutgoingRecord } from '../../event/client-event.ts'
import type { OpenOptions, StreamNames } from '../../publish/event-publisher.ts'
import { type PartitionChunk, partitionBatches, sendBatches } from '../../publish/record-batches.ts'
import type { Clock } from '../../runtime/clock.ts'
import { readTopics, type Topics } from '../admin/topics.ts'
import { type KafkaClient, retryOptions } from '../kafka-client.ts'
import type { KafkaConfig } from '../kafka-config.ts'
import { destroyConnection, withAdmin, withinCommitLimit } from '../kafka-connection.ts'
import { explained, KafkaCode, publishError } from '../kafka-errors.ts'
import { groupedMessages } from '../kafkajs/grouped-messages.ts'
import { planningPartitions } from '../kafkajs/planned-partitions.ts'

/** `connect` returns a new client each time, so each can be disconnected separately. */
export interface ProducerParts {
  readonly config: KafkaConfig
  readonly names: StreamNames
  readonly clock: Clock
  readonly connect: () => KafkaClient
}

/** The operation that errors name. */
export const publishing = (records: number, topic: string) =>
  `publish ${records} ${records === 1 ? 'record' : 'records'} to ${topic}`

/** A connected kafkajs producer and its client, which nothing else uses. */
export interface KafkaProducer {
  readonly client: KafkaClient
  readonly kafkajs: Producer
}

/**
 * Reads the topics of the stream; creates missing ones if allowed. Rejects with `publish.*`, `checkpoint.topic-lost` or
 * the reason of `stop`.
 */
export function openTopics(parts: ProducerParts, options: OpenOptions, stop: AbortSignal): Promise<Topics> {
  const { events, deadLetters } = parts.config.topic
  const read = (admin: Admin) =>
    readTopics(admin, { ...options, config: parts.config.topic }, { clock: parts.clock, stop })
  return withAdmin(parts, { operation: `open topics ${events} and ${deadLetters}`, work: read }, stop)
}

/** Connects a producer, runs `start`, disconnects on failure. Rejects with kafkajs' errors or the reason of `stop`. */
export async function openKafkaProducer<Started>(
  parts: ProducerParts,
  options: ProducerConfig & { start: (producer: Producer) => Promise<Started> },
  stop: AbortSignal,
): Promise<KafkaProducer & { started: Started }> {
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
    return { client, kafkajs: producer, started: await withinCommitLimit(parts, connectAndStart, stop) }
  } catch (error) {
    destroyConnection({ client, disconnect: producer.disconnect })
    stop.throwIfAborted()
    throw explained(error, client)
  }
}

const partitionAlreadyChosen = ({ message }: { message: { partition?: number } }): number => {
  if (message.partition === undefined) throw new Error('a record has no partition')
  return message.partition
}

/** Sends records through the `send` of a producer or a transaction; see `sendBatches`. */
export async function sendRecords(
  parts: ProducerParts & { readonly topics: Topics; readonly isGivenUp: () => boolean },
  records: readonly OutgoingRecord[],
  send: (record: ProducerRecord) => Promise<RecordMetadata[]>,
): Promise<void> {
  const { config, clock, topics, isGivenUp } = parts
  const layout = { ...topics, maxMessageBytes: config.maxMessageBytes, publishedAt: clock.now() }
  const compression = config.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const timeout = config.timeouts.requestMs
  const batches = partitionBatches(records, layout)
  const sending = {
    send: ({ topic, partition, records: chunk }: PartitionChunk) =>
      send({ topic, messages: groupedMessages(chunk, partition), acks: -1, compression, timeout }).catch((error) => {
        const needs = { [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `WRITE on topic ${topic}` }
        throw publishError(publishing(chunk.length, topic), error, needs)
      }),
    isGivenUp,
  }
  await planningPartitions(batches, () => sendBatches(batches, sending))
}
