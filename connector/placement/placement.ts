/**
 * Who works on what. It may be wrong for a moment: nothing unsafe follows, because who may publish is the transactional id's to say
 * and who may checkpoint the claim's.
 */
export interface Placement {
  /**
   * Tells every assignment of streams to this replica, also one with the same streams as before: each is a new generation. Runs until
   * `stop` aborts, or nothing will ever change; never rejects for transient trouble. While it does not know, the last assignment holds.
   */
  run(onChange: (assigned: ReadonlySet<string>) => void, stop: AbortSignal): Promise<void>
  /** Whether the stream is this replica's as far as it can know now; false as well once its word is too old to rely on. */
  isAssigned(stream: string): boolean
  /** Whether the stream is this replica's by word asked for after `since` (of `clock.monotonic()`): then a fence of before is settled. */
  isConfirmed(stream: string, since: number): boolean
}

/** All streams, always: for a single replica. A stream that another process takes is not taken back. */
export function singlePlacement(streams: readonly string[]): Placement {
  const all: ReadonlySet<string> = new Set(streams)
  return {
    run: async (onChange) => onChange(all),
    isAssigned: (stream) => all.has(stream),
    isConfirmed: () => false,
  }
}
