/** How the streams are shared out; the group is named like the connector. Times in milliseconds. */
export type PlacementConfig = { readonly mode: 'single' } | ({ readonly mode: 'group' } & GroupConfig)

export interface GroupConfig {
  /** The topic whose partitions are the slots; nothing of its data is ever read. Absent: `<connector>.slots`. */
  readonly topic?: string | undefined
  /** How a missing topic is created; absent: it is waited for. */
  readonly create?: SlotsCreation | undefined
  /** A replica that is silent for so long has lost its streams; at least the broker's `group.min.session.timeout.ms` (6 s). */
  readonly sessionTimeoutMs: number
  /** A replica notices a change of the group within this time; less than a third of the session. */
  readonly heartbeatMs: number
  /** So long a change of the group waits for a replica that does not answer. */
  readonly rebalanceTimeoutMs: number
  /** How long leaving may take. */
  readonly leaveWithinMs: number
  /** The pauses before a broken membership is built anew, for ever. */
  readonly rebuild: { readonly firstPauseMs: number; readonly maxPauseMs: number }
}

export interface SlotsCreation {
  /** The number of slots: at most so many replicas have streams. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
}

/** The values that hold unless an operator says otherwise, measured by `bench/replicas.ts`. */
export const groupDefaults = {
  create: { partitions: 24, replicationFactor: -1 },
  sessionTimeoutMs: 6_000,
  heartbeatMs: 500,
  rebalanceTimeoutMs: 10_000,
  leaveWithinMs: 3_000,
  rebuild: { firstPauseMs: 500, maxPauseMs: 5_000 },
} as const satisfies GroupConfig

export const slotsTopic = (connector: string, { topic }: GroupConfig): string => topic ?? `${connector}.slots`
