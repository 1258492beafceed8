import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import type { WatchedPolling } from './scan-status.ts'
import { isActive, type StreamPhase, type StreamStatus } from './stream-status.ts'

/** `starting` until the first assignment, even an empty one; `stopping` from the first signal. */
export type ReplicaState = 'starting' | 'running' | 'stopping'

export interface WatchedStream {
  readonly stream: string
  readonly poll: WatchedPolling
  readonly status: StreamStatus
}

export interface Health {
  readonly ready: boolean
  readonly replicaState: ReplicaState
  readonly streams: readonly StreamHealth[]
}

interface StreamHealth {
  readonly stream: string
  readonly state: StreamPhase
  readonly ready: boolean
  /** Absent when the stream does not run here or is held. */
  readonly progress?: 'catching up' | 'caught up'
  /** The stream runs, but its producer is closed because it has published nothing for a while. */
  readonly idle?: true
  readonly why?: 'group unreachable' | 'not opened yet' | 'no progress' | 'held'
  readonly pause?: { readonly reason: string; readonly requestedAt: string; readonly requestedBy: string }
  /** The last failure since the last progress, with what was seen and what to do. */
  readonly code?: ErrorCode
  readonly error?: string
  readonly hint?: string
  /** Since the first failure after the last progress. */
  readonly secondsFailing?: number
  /** Since the last page read; since the stream was started here, if none was read. */
  readonly secondsSinceGoodPoll?: number
}

interface HealthParts {
  readonly replicaState: ReplicaState
  readonly streams: readonly WatchedStream[]
  /** How long a stream may make no progress; at least three poll intervals apply. */
  readonly readyAfterMs: number
}

/**
 * Ready: the replica runs, and each of its streams was opened, made progress recently and is not held. A stream that
 * does not run here (`waiting`, `lost`) or is paused does not affect readiness. `now` is of `Clock.monotonic`.
 */
export function health(parts: HealthParts, now: number): Health {
  const streams = parts.streams.map((watched) => streamHealth(watched, parts.readyAfterMs, now))
  const ready = parts.replicaState === 'running' && streams.every((stream) => stream.ready)
  return { ready, replicaState: parts.replicaState, streams }
}

function streamHealth({ stream, poll, status }: WatchedStream, readyAfterMs: number, now: number): StreamHealth {
  const { state, failure, isCaughtUp } = status
  const why = notReadyReason(status, Math.max(3 * poll.intervalMs, readyAfterMs), now)
  const isHere = isActive(status)
  return {
    stream,
    state,
    ready: why === undefined,
    ...(isHere && state !== 'held' && status.wasOpened ? { progress: isCaughtUp ? 'caught up' : 'catching up' } : {}),
    ...(state === 'running' && !status.hasProducer ? { idle: true as const } : {}),
    ...(why === undefined ? {} : { why }),
    ...(status.pause === undefined ? {} : { pause: pauseReport(status.pause) }),
    ...(isHere && failure !== undefined ? failureOf(status, failure, now) : {}),
    ...(isHere ? { secondsSinceGoodPoll: secondsSince(status.goodPollAt ?? status.startedAt, now) } : {}),
  }
}

function pauseReport({
  requestedAt,
  ...pause
}: NonNullable<StreamStatus['pause']>): NonNullable<StreamHealth['pause']> {
  return { ...pause, requestedAt: new Date(requestedAt).toISOString() }
}

function failureOf({ failureSeen, failingSince }: StreamStatus, code: ErrorCode, now: number): Partial<StreamHealth> {
  return {
    code,
    ...(failureSeen === undefined ? {} : { error: failureSeen }),
    hint: errorCatalogue[code].hint,
    ...(failingSince === undefined ? {} : { secondsFailing: secondsSince(failingSince, now) }),
  }
}

function notReadyReason(status: StreamStatus, limitMs: number, now: number): StreamHealth['why'] {
  if (status.state === 'held') return 'held'
  if (status.state === 'group-unreachable') return 'group unreachable'
  if (!isActive(status)) return undefined
  if (!status.wasOpened) return 'not opened yet'
  return now - (status.progressAt ?? status.startedAt) > limitMs ? 'no progress' : undefined
}

/** In seconds, rounded to the millisecond. */
export function secondsSince(at: number, now: number): number {
  return Math.max(0, Math.round(now - at)) / 1000
}
