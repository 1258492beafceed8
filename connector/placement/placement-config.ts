/** How streams are assigned to replicas; the consumer group has the name of the connector. */
export type PlacementConfig =
  | { readonly mode: 'single' }
  /** `create`: how to create a missing slots topic; undefined: wait until it exists. */
  | { readonly mode: 'group'; readonly create: SlotsCreation | undefined }

interface SlotsCreation {
  /** The number of slots: the maximum number of replicas with streams. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
}

/** What only we can tune. Tests shorten the times, in ms: streams move within 1.3 s at a SIGTERM and 7 s after a kill. */
export const groupDefaults = {
  create: { partitions: 24, replicationFactor: -1 },
  /** A replica silent for this time loses its streams; at least the broker's `group.min.session.timeout.ms` (6 s). */
  sessionTimeoutMs: 6_000,
  /** A replica notices a rebalance within this time; less than a third of the session timeout. */
  heartbeatMs: 500,
  /** How long a rebalance waits for a replica that does not answer. */
  rebalanceTimeoutMs: 10_000,
  /** The pauses between attempts to rejoin, which are unlimited. */
  rejoin: { firstPauseMs: 500, maxPauseMs: 5_000, maxRetryAfterMs: 0, rejectedMs: 60_000 },
}

/** The topic whose partitions are the slots; never read. */
export const slotsTopic = (connector: string) => `${connector}.slots`
