import type * as z from 'zod'
import { type KafkaConfig, type KafkaConnection, kafkaDefaults, type TopicCreation } from '../../kafka/kafka-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import { sizeText } from '../units.ts'
import { sasl, saslConfig, ssl, sslConfig } from './kafka-access-section.ts'

const topics = setting.section('Creation of missing topics', {
  create: setting.flag({
    default: true,
    description: 'Create missing topics. If `false`, a missing topic holds its stream',
  }),
  partitions: setting.wholeNumber({
    min: 1,
    max: 100_000,
    default: kafkaDefaults.create.partitions,
    description: 'Number of partitions of a new topic',
  }),
  replicationFactor: setting.wholeNumber({
    min: -1,
    max: 100,
    default: kafkaDefaults.create.replicationFactor,
    description: "Replication factor of a new topic; -1: the broker's default",
  }),
  config: setting.textMap({
    default: kafkaDefaults.create.eventsConfig,
    description: 'Topic configuration of a new events topic, by Kafka names',
  }),
})

export const kafkaSection = setting.section('The Kafka cluster and how events are published', {
  brokers: setting
    .textList({
      check: check.broker,
      variable: 'KAFKA_BROKERS',
      description: 'Bootstrap brokers',
      examples: ['kafka-1:9092,kafka-2:9092'],
    })
    .min(1, 'is missing'),
  ssl,
  sasl,
  compression: setting.choice({
    choices: ['none', 'gzip', 'zstd'],
    default: kafkaDefaults.compression,
    description: 'Compression of the records; every consumer must be able to read it',
  }),
  maxMessageBytes: setting.size({
    default: sizeText(kafkaDefaults.maxMessageBytes),
    description:
      "Maximum size of an event, not greater than the topic's `max.message.bytes`. A larger event becomes a dead letter",
  }),
  topics,
})

export const streamKafkaSection = setting.section('The topics of the stream', {
  topic: setting.text({
    check: check.topic,
    default: 'client.modified',
    variable: 'KAFKA_TOPIC',
    description: 'Topic for the events',
  }),
  deadLetterTopic: setting
    .text({ check: check.topic, description: 'Topic for dead letters. Default: `topic` with the suffix `.dlq`' })
    .optional(),
  adoptTopic: setting.flag({
    default: false,
    variable: 'KAFKA_ADOPT_TOPIC',
    description:
      'Start a stream without a checkpoint although `topic` has records of another writer: all clients are published. If `false`, they hold the stream (`checkpoint.topic-in-use`)',
  }),
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
  return {
    ...kafkaConnection(kafka),
    topic: {
      events: stream.topic,
      deadLetters: deadLetterTopic(stream),
      create: topicCreation(kafka.topics),
    },
    compression,
    maxMessageBytes,
  }
}

function topicCreation({ create, config, ...topics }: KafkaSettings['topics']) {
  const { deadLettersConfig } = kafkaDefaults.create
  if (!create) return undefined
  return { ...topics, eventsConfig: config, deadLettersConfig } satisfies TopicCreation
}
