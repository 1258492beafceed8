import { newTopics } from '../../connector/config/sections/kafka-section.ts'
import type { OutgoingRecord } from '../../connector/event/client-event.ts'
import type { KafkaConfig } from '../../connector/kafka/kafka-config.ts'
import { kafkaEventPublisher } from '../../connector/kafka/transactions/stream-producer.ts'
import type { CommitRecord, EventPublisher, StreamProducer } from '../../connector/publish/event-publisher.ts'
import { systemClock } from '../../connector/runtime/clock.ts'
import type { CloseStack } from '../../connector/runtime/close-stack.ts'
import { never } from './signals.ts'

/** The settings of a stream that publishes to this topic. */
export const streamConfig = (brokers: string, events: string): KafkaConfig => ({
  brokers: brokers.split(','),
  topic: { events, deadLetters: `${events}.dlq`, create: creationOf(1) },
  compression: 'none',
  maxMessageBytes: 1_000_000,
})

/** How to create topics with so many partitions. */
export function creationOf(partitions: number): KafkaConfig['topic']['create'] {
  const creation = { partitions, replicationFactor: -1 }
  const { events, deadLetters } = newTopics
  return { events: { ...creation, settings: events }, deadLetters: { ...creation, settings: deadLetters } }
}

/** The publisher of the stream with the name of its topic. */
export function streamPublisher(closing: CloseStack, config: KafkaConfig, clock = systemClock): EventPublisher {
  const parts = { connector: 'test', stream: config.topic.events, clock }
  const { open } = kafkaEventPublisher(config, parts)
  return { open: async (...of) => closing.use(await open(...of), (producer) => producer.close()) }
}

/** Publishes records in a transaction with a commit record. */
export async function commit(
  producer: StreamProducer,
  records: readonly OutgoingRecord[],
  seq: number,
): Promise<CommitRecord> {
  await using transaction = producer.begin(never)
  await transaction.send(records)
  const record = { epoch: 1, seq, nonce: `nonce-${seq}`, nextEvent: 0 }
  await transaction.commit(record)
  return record
}

/** The commit record that the producer finds. On a new broker, this waits for the coordinators. */
export async function recordIn(producer: StreamProducer): Promise<CommitRecord | undefined> {
  const { foundRecord } = await producer.readKafkaState({ formerProducerId: null }, never)
  return foundRecord.kind === 'record' ? foundRecord.record : undefined
}
