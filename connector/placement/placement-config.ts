/** Says how streams are assigned to replicas. The consumer group has the name of the connector. */
export type PlacementConfig =
  | { readonly mode: 'single' }
  /**
   * `create` says how to create a missing slots topic; if it is undefined, the replica waits until the topic exists.
   */
  | { readonly mode: 'group'; readonly create: SlotsCreation | undefined }

interface SlotsCreation {
  /** This is the number of slots, and so the maximum number of replicas with streams. */
  readonly partitions: number
  /** -1 means the broker's default. */
  readonly replicationFactor: number
}

/**
 * Only we can tune these. Times are in ms, and tests shorten them. Streams move within 1.3 s at a SIGTERM, and within 7
 * s after a kill.
 */
export const groupDefaults = {
  create: { partitions: 24, replicationFactor: -1 },
  /**
   * A replica that is silent for this time loses its streams. It must be at least the broker's
   * `group.min.session.timeout.ms` (6 s).
   */
  sessionTimeoutMs: 6_000,
  /** A replica notices a rebalance within this time, which must be less than a third of the session timeout. */
  heartbeatMs: 500,
  /** A rebalance waits this long for a replica that does not answer. */
  rebalanceTimeoutMs: 10_000,
  /** The replica tries to rejoin again and again, after these pauses. */
  rejoin: { firstPauseMs: 500, maxPauseMs: 5_000, maxRetryAfterMs: 0, rejectedMs: 60_000 },
}

/** Returns the name of the topic whose partitions are the slots. The topic is never read. */
export const slotsTopic = (connector: string) => `${connector}.slots`
