/** How streams are assigned to replicas; the consumer group has the name of the connector. Times in milliseconds. */
export type PlacementConfig = { readonly mode: 'single' } | ({ readonly mode: 'group' } & GroupConfig)

export interface GroupConfig {
  /** How to create a missing topic; absent: wait until it exists. */
  readonly create?: SlotsCreation | undefined
  /** A replica silent for this time loses its streams; at least the broker's `group.min.session.timeout.ms` (6 s). */
  readonly sessionTimeoutMs: number
  /** A replica notices a rebalance within this time; less than a third of the session timeout. */
  readonly heartbeatMs: number
  /** How long a rebalance waits for a replica that does not answer. */
  readonly rebalanceTimeoutMs: number
  /** The pauses between attempts to rejoin, which are unlimited. */
  readonly rejoin: { readonly firstPauseMs: number; readonly maxPauseMs: number }
}

interface SlotsCreation {
  /** The number of slots: the maximum number of replicas with streams. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
}

/** Short, so that streams move within 1.3 s at a SIGTERM and 7 s after a kill. */
export const groupDefaults = {
  create: { partitions: 24, replicationFactor: -1 },
  sessionTimeoutMs: 6_000,
  heartbeatMs: 500,
  rebalanceTimeoutMs: 10_000,
  rejoin: { firstPauseMs: 500, maxPauseMs: 5_000 },
} satisfies GroupConfig

/** How the slots topic is created, by the connector or by an operator. */
export const slotsCreation = ({ create = groupDefaults.create }: GroupConfig) => ({
  shape: create,
  alternative: 'set kafka.topics.create: true',
})

/** The topic whose partitions are the slots; never read. */
export const slotsTopic = (connector: string) => `${connector}.slots`
