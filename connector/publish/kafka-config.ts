/** How to reach Kafka and how to publish there, one for all streams of a topic. Times in milliseconds, sizes in bytes. */
export interface KafkaConfig {
  /** `host:port`, no IPv6 literals. */
  readonly brokers: readonly string[]
  /** Absent: plain text. Empty object: TLS with the system's CAs. */
  readonly ssl?: SslConfig | undefined
  readonly sasl?: SaslConfig | undefined
  readonly topic: TopicConfig
  readonly delivery: 'exactly-once' | 'at-least-once'
  readonly compression: 'none' | 'gzip'
  /** The largest record that is sent (key, value and about 100 bytes of framing): at most the topic's `max.message.bytes`. */
  readonly maxMessageBytes: number
  readonly timeouts: KafkaTimeouts
  /** The pauses between kafkajs' tries of one request: together they must outlast the failover of a broker. */
  readonly retry: KafkaRetry
}

/** PEM texts, not file names. */
export interface SslConfig {
  /** CAs trusted instead of the system's. */
  readonly ca?: string | undefined
  /** Client certificate and its key: both or none. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface SaslConfig {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface TopicConfig {
  readonly events: string
  readonly deadLetters: string
  /** How missing topics are created; absent: a missing topic stops the stream (`publish.topic-missing`). */
  readonly create?: TopicCreation | undefined
}

export interface TopicCreation {
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  /** Topic settings by their Kafka names. */
  readonly eventsConfig: Readonly<Record<string, string>>
  readonly deadLettersConfig: Readonly<Record<string, string>>
}

export interface KafkaTimeouts {
  readonly connectionMs: number
  readonly requestMs: number
  /** After this the broker aborts a transaction by itself; at most its `transaction.max.timeout.ms` (15 min). */
  readonly transactionMs: number
  /** From the first send to the end of a transaction; less than `transactionMs`. */
  readonly commitWithinMs: number
  /** How long an abort or the closing of a connection may take. */
  readonly closeMs: number
}

export interface KafkaRetry {
  /** Decides the transactions per second: the broker answers CONCURRENT_TRANSACTIONS for some ms after each. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  readonly retries: number
}

const dayMs = 24 * 60 * 60 * 1000

/** The values that hold unless an operator says otherwise; the schema of the configuration takes its defaults from here. */
export const kafkaDefaults = {
  delivery: 'exactly-once',
  compression: 'none',
  maxMessageBytes: 1_000_000,
  create: {
    partitions: 6,
    replicationFactor: -1,
    // The newest event of each client is the state that readers rebuild from; the lag leaves them a week for every change.
    eventsConfig: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(7 * dayMs) },
    deadLettersConfig: { 'cleanup.policy': 'delete', 'retention.ms': String(30 * dayMs) },
  },
  timeouts: { connectionMs: 10_000, requestMs: 15_000, transactionMs: 60_000, commitWithinMs: 45_000, closeMs: 3_000 },
  retry: { firstPauseMs: 5, maxPauseMs: 500, retries: 30 },
} as const satisfies Omit<KafkaConfig, 'brokers' | 'topic'> & { create: TopicCreation }
