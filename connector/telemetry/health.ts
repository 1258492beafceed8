import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { isActive, type StreamState, type StreamStatus } from './stream-status.ts'

/** `starting` until it can run streams or stand by for them; `stopping` from the first signal. */
export type ReplicaState = 'starting' | 'running' | 'stopping'

export interface WatchedStream {
  readonly stream: string
  readonly pollIntervalMs: number
  readonly status: StreamStatus
}

export interface Health {
  readonly ready: boolean
  readonly replicaState: ReplicaState
  readonly streams: readonly StreamHealth[]
}

export interface StreamHealth {
  readonly stream: string
  readonly state: StreamState
  readonly ready: boolean
  /** Draining or caught up; nothing when it does not run here. */
  readonly drain?: 'draining' | 'caught up'
  /** It runs, and has had nothing to publish for so long that its session with Kafka is closed. */
  readonly idle?: true
  readonly why?: 'not opened yet' | 'no progress' | 'stopped'
  /** The last failure since the last progress, and what to do about it. */
  readonly code?: ErrorCode
  readonly hint?: string
  /** Since the last page read; since the stream was begun here, when there was none. */
  readonly secondsSinceGoodPoll?: number
}

export interface HealthParts {
  readonly replicaState: ReplicaState
  readonly streams: readonly WatchedStream[]
  /** How long a stream may go without progress; at least three of its poll intervals. */
  readonly readyAfterMs: number
}

/**
 * Ready: the replica runs, and each stream that it runs was opened and got on lately; a stopped stream is not. A stream that is not here
 * (standby, lost) keeps nobody from being ready. `now` is of `Clock.monotonic`.
 */
export function health(parts: HealthParts, now: number): Health {
  const streams = parts.streams.map((watched) => streamHealth(watched, parts.readyAfterMs, now))
  const ready = parts.replicaState === 'running' && streams.every((stream) => stream.ready)
  return { ready, replicaState: parts.replicaState, streams }
}

function streamHealth(
  { stream, pollIntervalMs, status }: WatchedStream,
  readyAfterMs: number,
  now: number,
): StreamHealth {
  const { state, trouble, isCaughtUp } = status
  const why = unready(status, Math.max(3 * pollIntervalMs, readyAfterMs), now)
  const isHere = isActive(status)
  return {
    stream,
    state,
    ready: why === undefined,
    ...(isHere && status.wasOpened ? { drain: isCaughtUp ? 'caught up' : 'draining' } : {}),
    ...(state === 'running' && !status.hasSession ? { idle: true as const } : {}),
    ...(why === undefined ? {} : { why }),
    ...((isHere || state === 'stopped') && trouble !== undefined
      ? { code: trouble, hint: errorCatalogue[trouble].hint }
      : {}),
    ...(isHere ? { secondsSinceGoodPoll: secondsSince(status.goodPollAt ?? status.begunAt, now) } : {}),
  }
}

function unready(status: StreamStatus, limitMs: number, now: number): StreamHealth['why'] {
  if (status.state === 'stopped') return 'stopped'
  if (!isActive(status)) return undefined
  if (!status.wasOpened) return 'not opened yet'
  return now - (status.progressAt ?? status.begunAt) > limitMs ? 'no progress' : undefined
}

/** Whole milliseconds, in seconds. */
export function secondsSince(at: number, now: number): number {
  return Math.max(0, Math.round(now - at)) / 1000
}
