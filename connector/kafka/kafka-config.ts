/** How to connect to Kafka. */
export interface KafkaConnection {
  /** `host:port`, no IPv6 literals. */
  readonly brokers: readonly string[]
  /** Connections are plain text if it is absent; an empty object means TLS with the system's CAs. */
  readonly ssl?: SslConfig | undefined
  readonly sasl?: SaslConfig | undefined
}

/** How to publish; shared by all streams of a topic. Sizes in bytes. */
export interface KafkaConfig extends KafkaConnection {
  readonly topic: TopicConfig
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** Maximum size of a record (key, value and about 100 bytes of framing); at most the topic's `max.message.bytes`. */
  readonly maxMessageBytes: number
}

/**
 * Holds PEM texts, not file names. They are read again for each client, so they may change from one connection to the
 * next.
 */
export interface SslConfig {
  /** CAs trusted instead of the system's. */
  readonly ca?: string | undefined
  /** Client certificate and its key: set both or neither. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** The account is read again for each login, so it may change from one connection to the next. */
export type SaslConfig = PasswordLogin | TokenLogin | IamLogin

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** A login by the client credentials grant of OAuth 2: `username` is the client id, `password` the client secret. */
export interface TokenLogin extends Omit<PasswordLogin, 'mechanism'> {
  readonly mechanism: 'oauthbearer'
  readonly tokenEndpoint: string
  /** Further parameters of the request, such as `scope` and `audience`. */
  readonly parameters: Readonly<Record<string, string>>
}

/** The IAM access control of Amazon MSK: tokens that are signed with the AWS credentials of the process. */
export interface IamLogin {
  readonly mechanism: 'aws-msk-iam'
  readonly region: string
}

export interface TopicConfig {
  readonly events: string
  readonly deadLetters: string
  /** How to create missing topics. Absent: a missing topic holds the stream (`publish.topic-missing`). */
  readonly create?: { readonly events: TopicCreation; readonly deadLetters: TopicCreation } | undefined
}

/** How to create a topic. */
export interface TopicCreation {
  readonly partitions: number
  /** The value -1 stands for the broker's default. */
  readonly replicationFactor: number
  /** The settings of the topic have their Kafka names. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Returns the configuration for a command that does not run the stream, and so creates no topic. */
export const withoutCreation = (config: KafkaConfig): KafkaConfig => ({
  ...config,
  topic: { ...config.topic, create: undefined },
})

/** Returns the names of the topics of a stream. */
export const topicNames = ({ events, deadLetters }: TopicConfig): readonly string[] => [events, deadLetters]
