import type { StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { ConnectorConfig, StreamConfig } from '../../config/connector-config.ts'
import type { AdminParts } from '../../kafka/kafka-connection.ts'
import type { StreamNames } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ClientSource } from '../../source/client-source.ts'
import type { CheckpointStore, VersionedObject } from '../../storage/checkpoint-store.ts'

/** What `doctor` checks, and the adapters that it uses. */
export interface DoctorParts {
  readonly config: ConnectorConfig
  readonly clock: Clock
  readonly store: CheckpointStore
  readonly admin: AdminParts
  /** What the indexes of a replica may use. */
  readonly indexBytes: number
  readonly streams: readonly StreamUnderTest[]
}

export interface StreamUnderTest {
  readonly config: StreamConfig
  readonly source: ClientSource
  readonly object: VersionedObject
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** The names that `run` uses in Kafka for this stream. */
  readonly names: StreamNames
}
