import type { StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import type { ConnectorConfig, StreamConfig } from '../config/connector-config.ts'
import type { GroupView } from '../placement/group-view.ts'
import type { AdminParts } from '../publish/kafka-session.ts'
import type { StreamNames } from '../publish/stream-names.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ClientSource } from '../source/client-source.ts'
import type { CheckpointStore } from '../storage/checkpoint-store.ts'
import type { VersionedObject } from '../storage/versioned-object.ts'

/** What `doctor` looks at, and with what. */
export interface DoctorParts {
  readonly config: ConnectorConfig
  readonly clock: Clock
  /** Doctor's own at the broker. */
  readonly names: StreamNames
  readonly store: CheckpointStore
  readonly admin: AdminParts
  /** Null: there is no group. */
  readonly viewReplicas: (stop: AbortSignal) => Promise<GroupView | null>
  readonly streams: readonly StreamUnderTest[]
}

export interface StreamUnderTest {
  readonly config: StreamConfig
  readonly source: ClientSource
  readonly object: VersionedObject
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** What `run` calls it at the broker. */
  readonly names: StreamNames
}
