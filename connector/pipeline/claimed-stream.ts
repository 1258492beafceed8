import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import type { Clock } from '../runtime/clock.ts'
import type { OpenStream } from './open-stream.ts'

/** A stream that this replica has claimed, with a session at Kafka as long as it has something to publish. */
export interface ClaimedStream {
  /** The claimed checkpoint, also while the session is closed; another one once it was opened again. */
  readonly checkpoint: StreamCheckpoint
  /**
   * The stream with a session, which is opened again where it was closed. Then the claim has proved that nothing moved meanwhile: whoever
   * built on `checkpoint` may go on. Rejects as opening does, or with the reason of `giveUp`.
   */
  withSession(giveUp: AbortSignal): Promise<OpenStream>
  /** Whether nothing was published for so long that the session is not worth its connections. */
  isIdle(): boolean
  /** Ends the session and its connections. Never rejects. */
  closeSession(): Promise<void>
}

export interface ClaimedStreamParts {
  /** Opens the stream as it is always opened, provided that `held` still holds. */
  readonly reopen: (held: StreamCheckpoint, giveUp: AbortSignal) => Promise<OpenStream>
  /** 0: never. */
  readonly idleAfterMs: number
  readonly clock: Clock
}

export function claimedStream(opened: OpenStream, parts: ClaimedStreamParts): ClaimedStream {
  const { reopen, idleAfterMs, clock } = parts
  let { checkpoint } = opened
  let session: OpenStream['session'] | undefined = opened.session
  let usedAt = clock.monotonic()
  return {
    get checkpoint() {
      return checkpoint
    },
    withSession: async (giveUp) => {
      if (session === undefined) ({ session, checkpoint } = await reopen(checkpoint, giveUp))
      usedAt = clock.monotonic()
      return { session, checkpoint }
    },
    isIdle: () => session !== undefined && idleAfterMs > 0 && clock.monotonic() - usedAt >= idleAfterMs,
    closeSession: async () => {
      const closing = session?.close()
      session = undefined
      await closing
    },
  }
}
