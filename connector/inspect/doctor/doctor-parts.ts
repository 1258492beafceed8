import type { CheckpointDocument, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { ConnectorConfig, StreamConfig } from '../../config/connector-config.ts'
import type { AdminParts } from '../../kafka/kafka-connection.ts'
import type { StreamNames } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ClientSource, SeenCertificate } from '../../source/client-source.ts'
import type { CheckpointStore, VersionedObject } from '../../storage/versioned-object.ts'
import type { CheckProgress } from './check-progress.ts'
import type { EventRules } from './judge-page.ts'

/** What `doctor` checks, and the adapters that it uses. */
export interface DoctorParts {
  readonly config: ConnectorConfig
  readonly clock: Clock
  /** The names that doctor itself uses in Kafka. */
  readonly names: StreamNames
  readonly store: CheckpointStore
  readonly admin: AdminParts
  readonly streams: readonly StreamUnderTest[]
  readonly progress: CheckProgress
}

export interface StreamUnderTest {
  readonly config: StreamConfig
  readonly source: ClientSource
  /** The certificates of the connections that `source` has opened. */
  readonly certificates: () => readonly SeenCertificate[]
  readonly events: EventRules
  readonly object: VersionedObject
  /** What operators wish of it. */
  readonly wishes: VersionedObject
  /** Reads the client index of a document. Rejects with `checkpoint.*` or `storage.*`. */
  readonly readIndex: (document: CheckpointDocument, stop: AbortSignal) => Promise<void>
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** The names that `run` uses in Kafka for this stream. */
  readonly names: StreamNames
}
