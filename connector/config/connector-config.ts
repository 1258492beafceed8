import type { DeadLetterLimit } from '../event/dead-letter.ts'
import type { ConfiguredFields } from '../event/field-mapping.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import type { KafkaConfig } from '../kafka/kafka-config.ts'
import type { RemovedSettings } from '../pipeline/features/removal/removed-clients.ts'
import type { HashedSettings } from '../placement/hashed-settings.ts'
import type { PlacementConfig } from '../placement/placement-config.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import type { SourceTime } from '../source/client-source.ts'
import type { PolarisConfig } from '../source/polaris/polaris-config.ts'
import type { CheckpointConfig } from '../storage/checkpoint-store-config.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { hashedSettings } from './hashed-settings.ts'
import { checkpointConfig } from './sections/checkpoint-section.ts'
import { type EventFields, eventFields } from './sections/event-section.ts'
import { type HttpConfig, httpConfig } from './sections/http-section.ts'
import { kafkaConfig, kafkaConnection } from './sections/kafka-section.ts'
import { placementConfig } from './sections/placement-section.ts'
import { beginAt, polarisConfig } from './sections/polaris-section.ts'
import { scanSettings } from './sections/poll-section.ts'
import { removedSettings } from './sections/removed-section.ts'

/** The configuration for the components: units in the names, secrets in plain text. Never log it; use `describeConfig`. */
export interface ConnectorConfig {
  readonly connector: string
  readonly log: Settings['log']
  /** Where subscribers find the contract; undefined: not configured. */
  readonly contractUrl: string | undefined
  readonly http: HttpConfig
  /** Kafka connection for everything not owned by a stream. */
  readonly kafka: KafkaConnection
  readonly placement: PlacementConfig
  /** What must be equal on all replicas. */
  readonly configuration: HashedSettings
  readonly checkpoint: CheckpointConfig
  /**
   * Minimum interval between saves of polls without changes; also the maximum delay until published events are recorded
   * as committed.
   */
  readonly savePeriodMs: number
  /** Limit of the client indexes of all streams of a replica. */
  readonly maxIndexBytes: number
  readonly offsetsRetentionMs: number
  /** A stream that has published nothing for this long closes its producer; 0: never. */
  readonly idleAfterMs: number
  readonly pageGroup: { readonly maxBytes: number; readonly maxDelayMs: number }
  readonly finishWithinMs: number
  readonly streams: readonly StreamConfig[]
}

export interface StreamConfig {
  readonly name: string
  readonly polaris: PolarisConfig
  readonly kafka: KafkaConfig
  readonly poll: ScanSettings
  /** Undefined: clients that are gone are not looked for. */
  readonly removed: RemovedSettings | undefined
  /** The beginning of the stream; undefined: not configured. */
  readonly beginAt: SourceTime | undefined
  readonly fields: ConfiguredFields
  /** Lower-case dotted paths. */
  readonly hashIgnore: ReadonlySet<string>
  readonly event: EventFields
  readonly deadLetterLimit: DeadLetterLimit
  readonly deadLetterClient: 'leave-out' | 'include'
}

/** Secrets are revealed only here. Pure. */
export function connectorConfig(settings: Settings): ConnectorConfig {
  const { connector, log, http, kafka, checkpoint, shutdown, streams } = settings
  return {
    connector,
    log,
    contractUrl: settings.contract.url,
    http: httpConfig(http),
    kafka: kafkaConnection(kafka),
    placement: placementConfig(settings.placement, { createTopics: kafka.topics.create }),
    configuration: hashedSettings(settings),
    checkpoint: checkpointConfig(checkpoint),
    savePeriodMs: checkpoint.savePeriod,
    maxIndexBytes: checkpoint.maxIndexMemory,
    offsetsRetentionMs: kafka.offsetsRetention,
    idleAfterMs: kafka.idleAfter,
    pageGroup: { maxBytes: kafka.pageGroup.maxBytes, maxDelayMs: kafka.pageGroup.maxDelay },
    finishWithinMs: shutdown.finishWithin,
    streams: streams.map((stream) => streamConfig(stream, settings)),
  }
}

function streamConfig(stream: StreamSettings, { kafka }: Settings): StreamConfig {
  const { name, polaris, deadLetters, poll, event } = stream
  return {
    name,
    polaris: polarisConfig(polaris),
    kafka: kafkaConfig(kafka, stream.kafka),
    poll: scanSettings(poll, polaris),
    removed: removedSettings(stream.removed),
    beginAt: beginAt(polaris),
    fields: {
      clientId: polaris.clientIdField ?? null,
      modifiedAt: polaris.modifiedAtField ?? null,
      clients: polaris.clientsField ?? null,
    },
    hashIgnore: new Set(polaris.hashIgnore.map((path) => path.toLowerCase())),
    event: eventFields(event),
    deadLetterLimit: { maxShare: deadLetters.maxPercent / 100, minimum: deadLetters.minimum, of: deadLetters.of },
    deadLetterClient: deadLetters.includeClient ? 'include' : 'leave-out',
  }
}
