import type { DeadLetterLimit } from '../event/dead-letter.ts'
import type { ConfiguredFields } from '../event/field-mapping.ts'
import type { PollSettings } from '../pipeline/polling.ts'
import type { PlacementConfig } from '../placement/placement-config.ts'
import type { KafkaConnection } from '../publish/kafka-client.ts'
import type { KafkaConfig } from '../publish/kafka-config.ts'
import type { ReadArguments } from '../source/client-source.ts'
import type { PolarisConfig } from '../source/polaris-config.ts'
import type { CheckpointConfig } from '../storage/checkpoint-store-config.ts'
import { checkpointConfig } from './checkpoint-settings.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { kafkaConfig, kafkaConnection } from './kafka-settings.ts'
import { placementConfig } from './placement-settings.ts'
import { beginAt, polarisConfig } from './polaris-settings.ts'

/** The configuration as the parts of the connector take it: every unit in the name, secrets in plain text. Never logged: see `describeConfig`. */
export interface ConnectorConfig {
  readonly connector: string
  readonly logLevel: Settings['log']['level']
  readonly http: { readonly host: string; readonly port: number; readonly readyAfterMs: number }
  /** The way to Kafka for what is no stream's. */
  readonly kafka: KafkaConnection
  readonly placement: PlacementConfig
  readonly checkpoint: CheckpointConfig
  /** A poll that brings nothing new is saved this often at most. */
  readonly savePeriodMs: number
  readonly offsetsRetentionMs: number
  /** A stream that published nothing for so long closes its session; 0: never. */
  readonly idleAfterMs: number
  readonly group: { readonly maxBytes: number; readonly maxDelayMs: number }
  readonly finishWithinMs: number
  readonly streams: readonly StreamConfig[]
}

export interface StreamConfig {
  readonly name: string
  readonly polaris: PolarisConfig
  readonly kafka: KafkaConfig
  readonly poll: PollSettings
  /** Where the stream begins when it has no checkpoint. */
  readonly beginAt: ReadArguments | undefined
  readonly fields: ConfiguredFields
  /** Lower-case dotted paths. */
  readonly hashIgnore: ReadonlySet<string>
  readonly deadLetterLimit: DeadLetterLimit
  readonly deadLetterClient: 'leave-out' | 'include'
  /** Clients in each generation of the window. */
  readonly windowCapacity: number
}

/** The only place where secrets are revealed. Pure. */
export function connectorConfig(settings: Settings): ConnectorConfig {
  const { connector, log, http, kafka, checkpoint, shutdown, streams } = settings
  return {
    connector,
    logLevel: log.level,
    http: { host: http.host, port: http.port, readyAfterMs: http.readyAfter },
    kafka: kafkaConnection(kafka),
    placement: placementConfig(settings),
    checkpoint: checkpointConfig(checkpoint),
    savePeriodMs: checkpoint.savePeriod,
    offsetsRetentionMs: kafka.offsetsRetention,
    idleAfterMs: kafka.idleAfter,
    group: { maxBytes: kafka.group.maxBytes, maxDelayMs: kafka.group.maxDelay },
    finishWithinMs: shutdown.finishWithin,
    streams: streams.map((stream) => streamConfig(stream, settings)),
  }
}

function streamConfig(stream: StreamSettings, { kafka }: Settings): StreamConfig {
  const { name, polaris, deadLetters, poll } = stream
  return {
    name,
    polaris: polarisConfig(polaris),
    kafka: kafkaConfig(kafka, stream.kafka),
    poll: pollSettings(stream),
    beginAt: beginAt(polaris),
    fields: { clientId: polaris.clientIdField ?? null, modifiedAt: polaris.modifiedAtField ?? null },
    hashIgnore: new Set(polaris.hashIgnore.map((path) => path.toLowerCase())),
    deadLetterLimit: { maxShare: deadLetters.maxPercent / 100, minimum: deadLetters.minimum, of: deadLetters.of },
    deadLetterClient: deadLetters.includeClient ? 'include' : 'leave-out',
    windowCapacity: poll.windowSize,
  }
}

function pollSettings({ poll, polaris }: StreamSettings): PollSettings {
  return {
    intervalMs: poll.interval,
    overlapMs: poll.overlap,
    tail: poll.tail,
    onRefusedCheckPoint: poll.onRefusedCheckPoint,
    maxEmptyPages: poll.maxEmptyPages,
    limit: polaris.limit,
    output: polaris.output,
    timeZone: polaris.timeZone,
  }
}
