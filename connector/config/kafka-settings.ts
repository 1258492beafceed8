import type { KafkaConnection } from '../publish/kafka-client.ts'
import {
  type KafkaConfig,
  kafkaDefaults,
  type SaslConfig,
  type SslConfig,
  type TopicCreation,
} from '../publish/kafka-config.ts'
import type { Settings, StreamSettings } from './config-schema.ts'

type KafkaSettings = Settings['kafka']

/** The way to Kafka, the same for all; reveals the secrets in it. */
export function kafkaConnection(kafka: KafkaSettings): KafkaConnection {
  const { connection, request, transaction, commitWithin, close } = kafka.timeouts
  return {
    brokers: kafka.brokers,
    ssl: sslConfig(kafka.ssl),
    sasl: saslConfig(kafka.sasl),
    timeouts: {
      connectionMs: connection,
      requestMs: request,
      transactionMs: transaction,
      commitWithinMs: commitWithin,
      closeMs: close,
    },
    retry: kafkaDefaults.retry,
  }
}

/** What one stream does with it. */
export function kafkaConfig(kafka: KafkaSettings, stream: StreamSettings['kafka']): KafkaConfig {
  return {
    ...kafkaConnection(kafka),
    topic: {
      events: stream.topic,
      deadLetters: stream.deadLetterTopic ?? `${stream.topic}.dlq`,
      create: topicCreation(kafka.topics),
    },
    delivery: kafka.delivery,
    compression: kafka.compression,
    maxMessageBytes: kafka.maxMessageBytes,
  }
}

function sslConfig({ enabled, ca, cert, key }: KafkaSettings['ssl']): SslConfig | undefined {
  const isOn = enabled ?? (ca ?? cert ?? key) !== undefined
  return isOn ? { ca, cert, key: key?.reveal() } : undefined
}

const mechanisms: Record<NonNullable<KafkaSettings['sasl']['mechanism']>, SaslConfig['mechanism']> = {
  plain: 'plain',
  PLAIN: 'plain',
  'scram-sha-256': 'scram-sha-256',
  'SCRAM-SHA-256': 'scram-sha-256',
  'scram-sha-512': 'scram-sha-512',
  'SCRAM-SHA-512': 'scram-sha-512',
}

function saslConfig({ mechanism, username, password }: KafkaSettings['sasl']): SaslConfig | undefined {
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  return { mechanism: mechanisms[mechanism], username: username.reveal(), password: password.reveal() }
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
