import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import type { StreamProducer } from '../publish/event-publisher.ts'
import type { Clock } from '../runtime/clock.ts'

/** A claimed stream with an open producer. */
export interface OpenStream {
  readonly producer: StreamProducer
  readonly checkpoint: StreamCheckpoint
  /** The checkpoint was last claimed with another address of the source. */
  readonly sourceMoved?: boolean
}

/** A stream claimed by this replica, whose producer is closed while there is nothing to publish. */
export interface ClaimedStream {
  /** The claimed checkpoint, also while the producer is closed. Reopening the producer replaces it. */
  readonly checkpoint: StreamCheckpoint
  /** See `OpenStream`. */
  readonly sourceMoved: boolean
  /**
   * Returns the stream with an open producer; reopens it if it was closed. Reopening fails if the stored checkpoint has
   * changed meanwhile, so what was read since is still valid. Rejects as opening does, or with the reason of `giveUp`.
   */
  withProducer(giveUp: AbortSignal): Promise<OpenStream>
  /** Whether the producer is open and has published nothing for `idleAfterMs`. */
  isIdle(): boolean
  /** Closes the producer and its connections. Never rejects. */
  closeProducer(): Promise<void>
  /** Closes the producer and ends the upkeep of the client index. Never rejects. */
  close(): Promise<void>
}

export interface ClaimedStreamParts {
  /** Opens the stream as usual; rejects if `held` is no longer the stored checkpoint. */
  readonly reopen: (held: StreamCheckpoint, giveUp: AbortSignal) => Promise<OpenStream>
  /** 0: the stream is never idle. */
  readonly idleAfterMs: number
  readonly clock: Clock
}

export function claimedStream(opened: OpenStream, parts: ClaimedStreamParts): ClaimedStream {
  const { reopen, idleAfterMs, clock } = parts
  let { checkpoint } = opened
  let producer: OpenStream['producer'] | undefined = opened.producer
  let usedAt = clock.monotonic()
  const closeProducer = async () => {
    const closing = producer?.close()
    producer = undefined
    await closing
  }
  return {
    get checkpoint() {
      return checkpoint
    },
    sourceMoved: opened.sourceMoved ?? false,
    withProducer: async (giveUp) => {
      if (producer === undefined) {
        const reopened = await reopen(checkpoint, giveUp)
        await checkpoint.close()
        ;({ producer, checkpoint } = reopened)
      }
      usedAt = clock.monotonic()
      return { producer, checkpoint }
    },
    isIdle: () => producer !== undefined && idleAfterMs > 0 && clock.monotonic() - usedAt >= idleAfterMs,
    closeProducer,
    close: async () => {
      await Promise.all([closeProducer(), checkpoint.close()])
    },
  }
}
