import { eventSource } from '../event/client-event.ts'
import type { EventSettings } from '../event/outgoing-record.ts'
import type { ConfiguredFields } from '../event/page-mapping.ts'
import type { ReadingRules } from '../event/read-client.ts'
import type { KafkaConfig, KafkaConnection } from '../kafka/kafka-config.ts'
import { kafkaTimes } from '../kafka/kafka-times.ts'
import { groupDefaults, type PlacementConfig } from '../placement/placement-config.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import type { SourceTime } from '../source/client-source.ts'
import { type PolarisConfig, polarisDefaults } from '../source/polaris/polaris-config.ts'
import { type CheckpointConfig, storeTimes } from '../storage/checkpoint-store-config.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { eventFields } from './sections/event-section.ts'
import { kafkaConfig, kafkaConnection } from './sections/kafka-section.ts'
import { beginAt, polarisConfig } from './sections/polaris-section.ts'
import { pollDefaults, scanSettings } from './sections/poll-section.ts'
import { checkpointConfig, placementConfig } from './sections/replica-sections.ts'

/**
 * What only we can tune. A page must end within `finishWithinMs`, so all other limits are less. Tests shorten the
 * times.
 */
export const runDefaults = {
  /**
   * Minimum interval between saves of polls without changes; also the maximum delay until published events are recorded
   * as committed.
   */
  savePeriodMs: 60_000,
  /** Pages that share a transaction during a backlog. */
  pageGroup: { maxBytes: 4 * 1024 * 1024, maxDelayMs: 200 },
  /** Time to publish and save the current page when the replica stops or loses the stream. */
  finishWithinMs: 50_000,
  /**
   * How long a stream may make no progress, or the replica may be outside the consumer group, before `/readyz` reports
   * not ready; for a stream, at least three poll intervals.
   */
  readyAfterMs: 2 * 60_000,
}

/** The configuration for the components: units in the names, secrets in plain text. Never log it. */
export interface ConnectorConfig extends Readonly<typeof runDefaults> {
  readonly connector: string
  readonly log: Settings['log']
  readonly http: Settings['http']
  /** The Kafka connection of everything that no stream owns. */
  readonly kafka: KafkaConnection
  readonly placement: PlacementConfig
  readonly checkpoint: CheckpointConfig
  readonly streams: readonly StreamConfig[]
}

export interface StreamConfig {
  readonly name: string
  readonly polaris: PolarisConfig
  readonly kafka: KafkaConfig
  /** `shared`: other writers may have records in the topic when the stream starts. */
  readonly topicUse: 'exclusive' | 'shared'
  /** Whether other streams may have the same keys in the events topic. */
  readonly sharedKeys: boolean
  readonly poll: ScanSettings
  /** The beginning of the stream; undefined: not configured. */
  readonly beginAt: SourceTime | undefined
  readonly fields: ConfiguredFields
  readonly rules: ReadingRules
  readonly events: EventSettings
}

/** A record's key, lengths and those headers that every record has take at most so many bytes. */
const FRAMING_BYTES = 1024

/** Everything that only we can tune. */
export const constants = {
  run: runDefaults,
  polaris: polarisDefaults,
  kafka: kafkaTimes,
  checkpoint: storeTimes,
  placement: groupDefaults,
  poll: pollDefaults,
}

/** Returns the configuration for the components. Secrets are revealed only here. Pure. */
export function connectorConfig(settings: Settings): ConnectorConfig {
  const { connector, log, http, kafka, checkpoint, streams } = settings
  return {
    connector,
    log,
    http,
    kafka: kafkaConnection(kafka),
    placement: placementConfig(settings.placement, kafka.topics),
    checkpoint: checkpointConfig(checkpoint),
    ...runDefaults,
    streams: streams.map((stream) => streamConfig(stream, settings)),
  }
}

function streamConfig(stream: StreamSettings, { connector, kafka }: Settings): StreamConfig {
  const { name, polaris, deadLetters, poll, event } = stream
  return {
    name,
    polaris: polarisConfig(polaris),
    kafka: kafkaConfig(kafka, stream.kafka),
    topicUse: stream.sharedKeys || stream.kafka.adoptTopic ? 'shared' : 'exclusive',
    sharedKeys: stream.sharedKeys,
    poll: scanSettings(poll, polaris),
    beginAt: beginAt(polaris),
    fields: {
      clientId: polaris.clientIdField ?? null,
      modifiedAt: polaris.modifiedAtField ?? null,
      clients: polaris.clientsField ?? null,
      lists: polaris.listFields,
    },
    rules: {
      timeZone: polaris.timeZone,
      ignored: new Set(polaris.hashIgnore.map((path) => path.toLowerCase())),
      lists: polaris.listFields,
      ...eventFields(event),
    },
    events: {
      form: { mode: event.mode, source: eventSource(connector, name) },
      maxValueBytes: kafka.maxMessageBytes - FRAMING_BYTES,
      deadLetterClient: deadLetters.includeClient ? 'include' : 'leave-out',
    },
  }
}
