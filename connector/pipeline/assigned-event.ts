/** What happens to the streams of this replica as placement moves them. */
export type AssignedEvent =
  /** A new assignment that moved streams; without any this replica is a standby. */
  | {
      readonly kind: 'assignment-changed'
      readonly streams: number
      readonly gained: readonly string[]
      readonly lost: readonly string[]
    }
  /** A stream that is assigned elsewhere has let go here. */
  | { readonly kind: 'stream-let-go'; readonly stream: string; readonly tookMs: number }
  /** Another owner took a stream that is assigned here, so many times in short order; it runs again after the pause if it still is. */
  | { readonly kind: 'stream-contested'; readonly stream: string; readonly fences: number; readonly pauseMs: number }
