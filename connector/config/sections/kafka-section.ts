import type * as z from 'zod'
import { type KafkaConfig, type KafkaConnection, kafkaDefaults, type TopicCreation } from '../../kafka/kafka-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import { sasl, saslConfig, saslRule, ssl, sslConfig } from './kafka-access-section.ts'

const { create: created, compression, maxMessageBytes } = kafkaDefaults

const topics = setting.section('Creation of missing topics', {
  create: setting.flag('Create missing topics. If `false`, a missing topic holds its stream', { default: true }),
  partitions: setting.wholeNumber('Partitions of a new topic', { min: 1, max: 100_000, default: created.partitions }),
  replicationFactor: setting.wholeNumber("Replication factor of a new topic; -1: the broker's default", {
    min: -1,
    max: 100,
    default: created.replicationFactor,
  }),
  config: setting.textMap('Configuration of a new events topic, by Kafka names', { default: created.eventsConfig }),
})

export const kafkaSection = setting.section(
  'The Kafka cluster and how events are published',
  {
    brokers: setting.textList('Bootstrap brokers. Example: `kafka-1:9092,kafka-2:9092`', {
      isRequired: true,
      check: check.broker,
    }),
    ssl,
    sasl,
    compression: setting.choice('Compression of records', { choices: ['none', 'gzip', 'zstd'], default: compression }),
    maxMessageBytes: setting.size(
      "Maximum size of an event, at most the topic's `max.message.bytes`. A larger event becomes a dead letter",
      { default: `${maxMessageBytes / 1_000_000}MB` },
    ),
    topics,
  },
  [saslRule],
)

export const streamKafkaSection = setting.section('The topics of the stream', {
  topic: setting.text('Topic for the events', { check: check.topic, default: 'client.modified' }),
  deadLetterTopic: setting
    .text('Topic for dead letters. Default: `topic` with the suffix `.dlq`', { check: check.topic })
    .optional(),
  adoptTopic: setting.flag(
    'Start a stream without a checkpoint although `topic` has records of another writer: all clients are published',
    { default: false },
  ),
})

type KafkaSettings = z.output<typeof kafkaSection>
type TopicSettings = z.output<typeof streamKafkaSection>

/** The connection of all streams. Secrets and PEM texts are getters, which read their files at each use. */
export function kafkaConnection({ brokers, ssl, sasl }: KafkaSettings): KafkaConnection {
  return { brokers, ssl: sslConfig(ssl), sasl: saslConfig(sasl, brokers) }
}

export const deadLetterTopic = ({ topic, deadLetterTopic }: TopicSettings) => deadLetterTopic ?? `${topic}.dlq`

/** The connection and topics of one stream. */
export function kafkaConfig(kafka: KafkaSettings, stream: TopicSettings): KafkaConfig {
  const { compression, maxMessageBytes } = kafka
  const topic = { events: stream.topic, deadLetters: deadLetterTopic(stream), create: topicCreation(kafka.topics) }
  return { ...kafkaConnection(kafka), topic, compression, maxMessageBytes }
}

function topicCreation({ create, config, ...topics }: KafkaSettings['topics']): TopicCreation | undefined {
  const { deadLettersConfig } = kafkaDefaults.create
  return create ? { ...topics, eventsConfig: config, deadLettersConfig } : undefined
}
