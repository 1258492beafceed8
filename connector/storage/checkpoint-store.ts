import type { Clock } from '../runtime/clock.ts'
import type { VersionedObject } from './versioned-object.ts'

/** Where the versioned objects of all streams live. */
export interface CheckpointStore {
  /** The object of a key, see `checkpointKey`; costs nothing and asks nobody. */
  object(key: string): VersionedObject
  /**
   * Finds out by writing whether the store keeps the promises of `VersionedObject`; leaves at most one small object behind. Rejects with
   * `storage.no-conditional-writes` when it does not, with `storage.refused` or `storage.unavailable` when it cannot be found out, or with
   * the reason of `stop`.
   */
  probe(stop: AbortSignal): Promise<void>
  /** Ends its connections. No call after it. */
  close(): void
}

export interface StoreParts {
  readonly clock: Clock
  /** Hears of every failure that is followed by another try within the same call. */
  readonly onRetry: (error: unknown, attempt: number) => void
}
