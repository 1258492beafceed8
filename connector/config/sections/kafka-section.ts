import type * as z from 'zod'
import type { KafkaConnection } from '../../kafka/kafka-client.ts'
import { type KafkaConfig, kafkaDefaults, type TopicCreation } from '../../kafka/kafka-config.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'
import { sasl, saslConfig, ssl, sslConfig } from './kafka-access-section.ts'

const { create } = kafkaDefaults
const day = 24 * 60 * 60 * 1000

const topics = setting.section('Creation of missing topics', {
  create: setting.flagOr('true', {
    description: 'Create missing topics. If `false`, a missing topic holds its stream',
  }),
  partitions: setting.wholeNumberOr(
    create.partitions,
    { min: 1, max: 100_000 },
    { description: 'Number of partitions of a new topic' },
  ),
  replicationFactor: setting.wholeNumberOr(
    create.replicationFactor,
    { min: -1, max: 100 },
    {
      description: "Replication factor of a new topic; -1: the broker's default",
    },
  ),
  config: setting.textMap(create.eventsConfig, {
    description: 'Topic configuration of a new events topic, by Kafka names',
  }),
  deadLetterConfig: setting.textMap(create.deadLettersConfig, {
    description: 'Topic configuration of a new dead-letter topic, by Kafka names',
  }),
})

export const kafkaSection = setting.section('The Kafka cluster and how events are published', {
  brokers: setting
    .textList(
      { description: 'Bootstrap brokers', variable: 'KAFKA_BROKERS', examples: ['kafka-1:9092,kafka-2:9092'] },
      check.isBroker,
      check.brokerRule,
    )
    .min(1, 'is missing'),
  ssl,
  sasl,
  compression: setting.choiceOr(kafkaDefaults.compression, ['none', 'gzip'], {
    description: 'Compression of the records',
  }),
  maxMessageBytes: setting.size(kafkaDefaults.maxMessageBytes, {
    description:
      "Maximum size of an event, not greater than the topic's `max.message.bytes`. A larger event becomes a dead letter",
  }),
  offsetsRetention: setting.duration(
    7 * day,
    {
      description: 'How long the brokers keep the offsets of a group: the value of their `offsets.retention.minutes`',
    },
    { min: 60_000, max: 3650 * day },
  ),
  topics,
})

export const streamKafkaSection = setting.section('The topics of the stream', {
  topic: setting.textOr(
    'client.modified',
    { description: 'Topic for the events', variable: 'KAFKA_TOPIC' },
    check.isTopic,
    check.topicRule,
  ),
  deadLetterTopic: setting
    .text(
      { description: 'Topic for dead letters. Default: `topic` with the suffix `.dlq`' },
      check.isTopic,
      check.topicRule,
    )
    .optional(),
})

type KafkaSettings = z.output<typeof kafkaSection>

/** The connection of all streams. Secrets and PEM texts are getters, which read their files at each use. */
export function kafkaConnection(kafka: KafkaSettings): KafkaConnection {
  return {
    brokers: kafka.brokers,
    ssl: sslConfig(kafka.ssl),
    sasl: saslConfig(kafka.sasl),
    timeouts: kafkaDefaults.timeouts,
    retry: kafkaDefaults.retry,
  }
}

/** The connection and topics of one stream. */
export function kafkaConfig(kafka: KafkaSettings, stream: z.output<typeof streamKafkaSection>): KafkaConfig {
  return {
    ...kafkaConnection(kafka),
    topic: {
      events: stream.topic,
      deadLetters: stream.deadLetterTopic ?? `${stream.topic}.dlq`,
      create: topicCreation(kafka.topics),
    },
    compression: kafka.compression,
    maxMessageBytes: kafka.maxMessageBytes,
  }
}

function topicCreation(topics: KafkaSettings['topics']): TopicCreation | undefined {
  if (!topics.create) return undefined
  return {
    partitions: topics.partitions,
    replicationFactor: topics.replicationFactor,
    eventsConfig: topics.config,
    deadLettersConfig: topics.deadLetterConfig,
  }
}
