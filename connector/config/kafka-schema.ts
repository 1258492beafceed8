import { kafkaDefaults } from '../publish/kafka-config.ts'
import * as check from './setting-checks.ts'
import * as setting from './setting-types.ts'

const { create, timeouts } = kafkaDefaults
const minute = 60 * 1000
const day = 24 * 60 * minute
const pem = (description: string, variable: string) =>
  setting.text(
    { description: `${description}: PEM text or path of a PEM file`, variable, pem: true },
    check.isPem,
    check.pemRule,
  )

const ssl = setting.section('TLS to the brokers', {
  enabled: setting
    .flag({ description: 'Whether to use TLS; implied by the settings below', variable: 'KAFKA_SSL' })
    .optional(),
  ca: pem("CAs trusted instead of the system's", 'KAFKA_SSL_CA').optional(),
  cert: pem('Client certificate', 'KAFKA_SSL_CERT').optional(),
  key: setting.secretText(
    {
      description: 'Key of the client certificate: PEM text or path of a PEM file',
      variable: 'KAFKA_SSL_KEY',
      pem: true,
    },
    check.isPem,
    check.pemRule,
  ),
})

const sasl = setting.section('Sign-in to the brokers', {
  mechanism: setting
    .choice(['plain', 'scram-sha-256', 'scram-sha-512', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
      description: 'How to sign in',
      variable: 'KAFKA_SASL_MECHANISM',
    })
    .optional(),
  username: setting.secretText({ description: 'User', variable: 'KAFKA_SASL_USERNAME' }),
  password: setting.secretText({ description: 'Password', variable: 'KAFKA_SASL_PASSWORD' }),
})

const topics = setting.section('Topics that do not exist yet', {
  create: setting.flagOr('true', { description: 'Create missing topics; else a missing topic stops its stream' }),
  partitions: setting.wholeNumberOr(
    create.partitions,
    { min: 1, max: 100_000 },
    { description: 'Partitions of a new topic' },
  ),
  replicationFactor: setting.wholeNumberOr(
    create.replicationFactor,
    { min: -1, max: 100 },
    {
      description: "Copies of a new topic; -1: the broker's default",
    },
  ),
  config: setting.textMap(create.eventsConfig, {
    description: 'Settings of a new topic of events, by their Kafka names',
  }),
  deadLetterConfig: setting.textMap(create.deadLettersConfig, {
    description: 'Settings of a new topic of dead letters, by their Kafka names',
  }),
})

/** The brokers and how all streams publish. */
export const kafkaSection = setting.section('The Kafka cluster and how events get there', {
  brokers: setting
    .textList(
      { description: 'Brokers to begin with', variable: 'KAFKA_BROKERS', examples: ['kafka-1:9092,kafka-2:9092'] },
      check.isBroker,
      check.brokerRule,
    )
    .min(1, 'is missing'),
  ssl,
  sasl,
  delivery: setting.choiceOr(kafkaDefaults.delivery, ['exactly-once', 'at-least-once'], {
    description: '`at-least-once` for clusters that forbid transactional ids: after a crash, events may come twice',
    variable: 'DELIVERY',
  }),
  compression: setting.choiceOr(kafkaDefaults.compression, ['none', 'gzip'], {
    description: 'Compression of what is sent',
  }),
  maxMessageBytes: setting.size(kafkaDefaults.maxMessageBytes, {
    description: "Largest event; at most the topic's `max.message.bytes`. A larger one becomes a dead letter",
  }),
  offsetsRetention: setting.duration(
    7 * day,
    {
      description: "How long the brokers keep a group's offsets (`offsets.retention.minutes`)",
    },
    { min: 60_000, max: 3650 * day },
  ),
  idleAfter: setting.duration(
    5 * minute,
    {
      description:
        'A stream that published nothing for so long closes its producer and its connections, and opens them for the next event; 0s: never. Less than the `connections.max.idle.ms` of the brokers (10m)',
    },
    { min: 0, max: 7 * day },
  ),
  group: setting.section(
    'How many pages share a transaction while there is a backlog; at the tail, each page has its own',
    {
      maxBytes: setting.size(1024 * 1024, { description: 'Bytes of events after which a group is committed' }),
      maxDelay: setting.duration(
        200,
        { description: 'Time after which a group is committed' },
        { min: 0, max: 60_000 },
      ),
    },
  ),
  topics,
  timeouts: setting.section('How long the brokers may take', {
    connection: setting.duration(timeouts.connectionMs, { description: 'To accept a connection, TLS included' }),
    request: setting.duration(timeouts.requestMs, { description: 'To answer a request' }),
    transaction: setting.duration(timeouts.transactionMs, {
      description:
        "After this the broker aborts a transaction by itself; at most the broker's `transaction.max.timeout.ms`",
    }),
    commitWithin: setting.duration(timeouts.commitWithinMs, {
      description: 'From the first event sent to the end of the transaction; less than `transaction`',
    }),
    close: setting.duration(timeouts.closeMs, { description: 'To abort a transaction or close a connection' }),
  }),
})

/** Where the events of one stream go. */
export const streamKafkaSection = setting.section('Where the events of the stream go', {
  topic: setting.textOr(
    'client.modified',
    { description: 'Topic of the events', variable: 'KAFKA_TOPIC' },
    check.isTopic,
    check.topicRule,
  ),
  deadLetterTopic: setting
    .text(
      { description: 'Topic of the dead letters; without it, the topic with `.dlq`' },
      check.isTopic,
      check.topicRule,
    )
    .optional(),
})
