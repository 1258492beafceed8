import { whenAborted } from '../runtime/abort.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'

/**
 * Decides which replica runs which streams (docs/decisions/20261125-placement.md). It may be wrong for a while without
 * harm: the transactional id decides which replica may publish, and the claim which one may write the checkpoint.
 */
export interface Placement {
  /**
   * Reports every assignment of streams to this replica, even with the same streams as before: each is a new
   * generation. The last assignment remains valid while the group does not answer. Runs until `stop` aborts. Never
   * rejects with a transient error.
   */
  run(onChange: (assigned: ReadonlySet<string>) => void, stop: AbortSignal): Promise<void>
}

/** Assigns all streams to this process. */
export function singlePlacement(streams: readonly string[]): Placement {
  const all: ReadonlySet<string> = new Set(streams)
  return {
    run: async (onChange, stop) => {
      onChange(all)
      await whenAborted(stop)
    },
  }
}

/** The group placement reports these events. */
export type PlacementEvent =
  /** The replica has a new assignment; without streams it is a standby. */
  | {
      readonly kind: 'group-joined'
      readonly slots: readonly number[]
      readonly streams: readonly string[]
      readonly tookMs: number
    }
  /**
   * Joining failed, or the membership was lost. The replica tries again indefinitely; the same failure is reported
   * once.
   */
  | { readonly kind: 'membership-lost'; readonly code: ErrorCode; readonly error: unknown }
  /** The replica has rejoined. */
  | { readonly kind: 'membership-restored'; readonly attempts: number; readonly tookMs: number }
  | { readonly kind: 'group-left' }
