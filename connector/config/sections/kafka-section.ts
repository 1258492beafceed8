import type * as z from 'zod'
import type { KafkaConfig, KafkaConnection, SaslConfig, SslConfig, TopicConfig } from '../../kafka/kafka-config.ts'
import { DAY_MS } from '../../runtime/clock.ts'
import { allOrNone, missingIn, type Violation, violationsBelow } from '../config-problem.ts'
import { revealedSettings } from '../secret.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

const pem = { pem: true, check: check.pem } as const

const ssl = setting.section(
  'TLS connections to the brokers',
  {
    enabled: setting.flag('Use TLS; implied by the settings below', { variable: 'KAFKA_SSL' }).optional(),
    ca: setting.secret("CAs trusted instead of the system's", { ...pem, kind: 'text' }).optional(),
    cert: setting.secret('Client certificate', { ...pem, kind: 'text' }).optional(),
    key: setting.secret('Private key of the client certificate', pem).optional(),
  },
  [
    (settings) => allOrNone(settings, ['cert', 'key']),
    ({ enabled, ca, cert, key }) =>
      enabled === false && (ca ?? cert ?? key) !== undefined
        ? [{ path: ['enabled'], what: 'is false, but ca, cert or key is set: remove one or the other' }]
        : [],
  ],
)

const oauth = setting.section('Tokens for `mechanism: oauthbearer`, by the client credentials grant of OAuth 2', {
  tokenEndpoint: setting
    .text('URL of the token endpoint, reached without a proxy. Example: `https://login.example/oauth2/token`', {
      check: check.tokenEndpoint,
      variable: 'KAFKA_OAUTH_TOKEN_ENDPOINT',
    })
    .optional(),
  parameters: setting.textMap('Further parameters of the request, such as `scope` and `audience`', {
    default: {},
    variable: 'KAFKA_OAUTH_PARAMETERS',
  }),
})

const sasl = setting.section('SASL authentication to the brokers', {
  mechanism: setting
    .choice('SASL mechanism; `aws-msk-iam`: tokens of Amazon MSK, by the AWS credentials of the process', {
      choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'],
    })
    .optional(),
  username: setting.secret('User name; with `oauthbearer`, the client id').optional(),
  password: setting.secret('Password; with `oauthbearer`, the client secret').optional(),
  oauth,
})

type SaslSettings = z.output<typeof sasl>

function sslConfig({ enabled, ...texts }: z.output<typeof ssl>): SslConfig | undefined {
  const isOn = enabled ?? (texts.ca ?? texts.cert ?? texts.key) !== undefined
  return isOn ? revealedSettings(texts) : undefined
}

/** Returns the login; undefined if the brokers ask for none. The names of the brokers have the region of Amazon MSK. */
function saslConfig(
  { mechanism, username, password, oauth }: SaslSettings,
  brokers: readonly string[],
): SaslConfig | undefined {
  if (mechanism === 'aws-msk-iam') return { mechanism, region: regionOf(brokers) ?? '' }
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  if (mechanism !== 'oauthbearer') return revealedSettings({ mechanism, username, password })
  const { tokenEndpoint = '', parameters } = oauth
  return revealedSettings({ mechanism, username, password, tokenEndpoint, parameters })
}

interface Access {
  readonly sasl: SaslSettings
  readonly ssl: z.output<typeof ssl>
  readonly brokers: readonly string[]
}

function saslRule({ sasl, ...access }: Access): Violation[] {
  const { mechanism, oauth } = sasl
  if (mechanism === 'aws-msk-iam') return iamRule(access)
  if (mechanism !== 'oauthbearer')
    return violationsBelow('sasl', allOrNone(sasl, ['mechanism', 'username', 'password']))
  const reason = 'with oauthbearer'
  const ofEndpoint = violationsBelow('oauth', missingIn(oauth, ['tokenEndpoint'], reason))
  return violationsBelow('sasl', [...missingIn(sasl, ['username', 'password'], reason), ...ofEndpoint])
}

/** A broker of Amazon MSK has a name such as `b-1.shop.abc123.c2.kafka.eu-west-3.amazonaws.com:9098`. */
const mskBroker = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/

const regionOf = (brokers: readonly string[]) => brokers.flatMap((broker) => mskBroker.exec(broker)?.[1] ?? []).at(0)

function iamRule({ ssl, brokers }: Omit<Access, 'sasl'>): Violation[] {
  const noRegion = 'must be named like b-1.….kafka.REGION.amazonaws.com:9098 with aws-msk-iam'
  return [
    ...(sslConfig(ssl) === undefined ? [{ path: ['ssl', 'enabled'], what: 'must be true with aws-msk-iam' }] : []),
    ...(regionOf(brokers) === undefined ? [{ path: ['brokers'], what: noRegion }] : []),
  ]
}

/** Settings of new topics, by their Kafka names. */
export const newTopics = {
  // Readers rebuild their state from the newest event of each client; the lag keeps every change for at least a week.
  events: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(7 * DAY_MS) },
  deadLetters: { 'cleanup.policy': 'delete', 'retention.ms': String(30 * DAY_MS) },
}

const topics = setting.section('Creation of missing topics', {
  create: setting.flag('Create missing topics. If `false`, a missing topic holds its stream', { default: true }),
  partitions: setting.wholeNumber('Partitions of a new topic', { min: 1, max: 100_000, default: 6 }),
  replicationFactor: setting.wholeNumber("Replication factor of a new topic; -1: the broker's default", {
    min: -1,
    max: 100,
    default: -1,
  }),
  config: setting.textMap('Configuration of a new events topic, by Kafka names', { default: newTopics.events }),
})

export const kafkaSection = setting.section(
  'The Kafka cluster and how events are published',
  {
    brokers: setting.textList('Bootstrap brokers. Example: `kafka-1:9092,kafka-2:9092`', {
      check: check.broker,
    }),
    ssl,
    sasl,
    compression: setting.choice('Compression of records', { choices: ['none', 'gzip', 'zstd'], default: 'none' }),
    maxMessageBytes: setting.size(
      "Maximum size of an event, at most the topic's `max.message.bytes`. A larger event becomes a dead letter",
      { min: '10kB', default: '1MB' },
    ),
    topics,
  },
  [saslRule],
)

export const streamKafkaSection = setting.section(
  'The topics of the stream',
  {
    topic: setting.text('Topic for the events', { check: check.topic, default: 'client.modified' }),
    deadLetterTopic: setting
      .text('Topic for dead letters. Default: `topic` with the suffix `.dlq`', { check: check.topic })
      .optional(),
    adoptTopic: setting.flag(
      'Start a stream without a checkpoint although `topic` has records of another writer: all clients are published',
      { default: false },
    ),
  },
  [
    (topics) =>
      check.topic.isValid(deadLetterTopic(topics))
        ? []
        : [{ path: ['deadLetterTopic'], what: 'is missing: topic with the suffix .dlq is too long' }],
  ],
)

type KafkaSettings = z.output<typeof kafkaSection>

/** Returns the connection of all streams. Secrets and PEM texts are getters, which read their files at each use. */
export function kafkaConnection({ brokers, ssl, sasl }: KafkaSettings): KafkaConnection {
  return { brokers, ssl: sslConfig(ssl), sasl: saslConfig(sasl, brokers) }
}

interface TopicSettings {
  readonly topic: string
  readonly deadLetterTopic?: string | undefined
}

export const deadLetterTopic = ({ topic, deadLetterTopic }: TopicSettings) => deadLetterTopic ?? `${topic}.dlq`

/** Returns the connection and topics of one stream. */
export function kafkaConfig(kafka: KafkaSettings, stream: TopicSettings): KafkaConfig {
  const { compression, maxMessageBytes } = kafka
  const topic = { events: stream.topic, deadLetters: deadLetterTopic(stream), create: topicCreation(kafka.topics) }
  return { ...kafkaConnection(kafka), topic, compression, maxMessageBytes }
}

function topicCreation({ create, config, ...topics }: KafkaSettings['topics']): TopicConfig['create'] {
  if (!create) return undefined
  return { events: { ...topics, settings: config }, deadLetters: { ...topics, settings: newTopics.deadLetters } }
}
