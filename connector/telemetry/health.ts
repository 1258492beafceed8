import type { StreamState } from '../pipeline/pipeline-event.ts'
import { type ExplainedFailure, explained, type Failure } from './failure.ts'
import type { WatchedPolling } from './scan-status.ts'
import { isActive, type StreamStatus } from './stream-status.ts'

/** `starting` until the first assignment, even an empty one; `stopping` from the first signal. */
export type ReplicaState = 'starting' | 'running' | 'stopping'

export interface WatchedStream {
  readonly stream: string
  readonly poll: WatchedPolling
  readonly status: StreamStatus
}

export interface Health {
  readonly ready: boolean
  /** Why the replica is not ready; empty exactly when it is ready. */
  readonly because: readonly Obstacle[]
  readonly replicaState: ReplicaState
  readonly streams: readonly StreamHealth[]
}

/** What makes the replica not ready: itself, or one of its streams. */
interface Obstacle extends Partial<ExplainedFailure> {
  readonly stream?: string
  readonly why: 'starting' | 'stopping' | 'out of the consumer group' | NonNullable<StreamHealth['why']>
}

interface StreamHealth extends Partial<ExplainedFailure> {
  readonly stream: string
  readonly state: StreamState
  /** Absent when the stream does not run here or is held. */
  readonly progress?: 'catching up' | 'caught up'
  /** The stream reads, but the replica is out of the consumer group: Kafka may not answer its next transaction either. */
  readonly outOfGroup?: true
  /** Why the stream makes the replica not ready. */
  readonly why?: 'not opened yet' | 'no progress' | 'held'
  readonly pause?: { readonly reason: string; readonly requestedAt: string; readonly requestedBy: string }
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
  /** Not ready although all streams are: what is wrong with the group, if something is. */
  readonly group: { readonly isOutForMs: number | undefined; readonly failure: Failure | undefined }
}

/**
 * Ready: the replica runs, is not out of the group for long, and each of its streams was opened, made progress recently
 * and is not held. A stream that does not run here or is paused does not affect readiness. `now`
 * is of `Clock.monotonic`.
 */
export function health(parts: HealthParts, now: number): Health {
  const { replicaState } = parts
  const streams = parts.streams.map((watched) => streamHealth(watched, parts, now))
  const because = [...replicaObstacles(parts), ...streams.flatMap(streamObstacle)]
  return { ready: because.length === 0, because, replicaState, streams }
}

function replicaObstacles({ replicaState, readyAfterMs, group }: HealthParts): readonly Obstacle[] {
  const failure = group.failure && explained(group.failure)
  if (replicaState !== 'running') return [{ why: replicaState, ...(replicaState === 'starting' ? failure : {}) }]
  // A standby that is out of the group cannot take over a stream.
  const isOutTooLong = group.isOutForMs !== undefined && group.isOutForMs > readyAfterMs
  return isOutTooLong ? [{ why: 'out of the consumer group', ...failure }] : []
}

function streamObstacle({ stream, why, code, error, causes, hint }: StreamHealth): readonly Obstacle[] {
  if (why === undefined) return []
  const failure = { code, error, causes, hint }
  return [{ stream, why, ...Object.fromEntries(Object.entries(failure).filter(([, value]) => value !== undefined)) }]
}

function streamHealth(
  { stream, poll, status }: WatchedStream,
  { readyAfterMs, group }: HealthParts,
  now: number,
): StreamHealth {
  const { state, isCaughtUp } = status
  const isOutForMs = status.state === 'running' ? group.isOutForMs : undefined
  const failure = failureSeen(status, { ...group, isOutForMs })
  const failingSince = status.failingSince ?? (isOutForMs === undefined ? undefined : now - isOutForMs)
  const why = notReadyReason(status, Math.max(3 * poll.maxIntervalMs, readyAfterMs), now)
  const isHere = isActive(status)
  return {
    stream,
    state,
    ...(isHere && state !== 'held' && status.wasOpened ? { progress: isCaughtUp ? 'caught up' : 'catching up' } : {}),
    ...(isOutForMs === undefined ? {} : { outOfGroup: true as const }),
    ...(why === undefined ? {} : { why }),
    ...(status.pause === undefined ? {} : { pause: pauseReport(status.pause) }),
    ...((isHere || state === 'paused') && failure !== undefined ? explained(failure) : {}),
    ...(isHere && failingSince !== undefined ? { secondsFailing: secondsSince(failingSince, now) } : {}),
    ...(isHere ? { secondsSinceGoodPoll: secondsSince(status.goodPollAt ?? status.startedAt, now) } : {}),
  }
}

/** The group has seen why it does not answer. */
function failureSeen({ failure }: StreamStatus, group: HealthParts['group']): Failure | undefined {
  if (failure !== undefined || group.isOutForMs === undefined) return failure
  return group.failure
}

function pauseReport({
  requestedAt,
  ...pause
}: NonNullable<StreamStatus['pause']>): NonNullable<StreamHealth['pause']> {
  return { ...pause, requestedAt: new Date(requestedAt).toISOString() }
}

function notReadyReason(status: StreamStatus, limitMs: number, now: number): StreamHealth['why'] {
  if (status.state === 'held') return 'held'
  if (!isActive(status)) return undefined
  if (!status.wasOpened) return 'not opened yet'
  return now - (status.progressAt ?? status.startedAt) > limitMs ? 'no progress' : undefined
}

/** In seconds, rounded to the millisecond. */
export function secondsSince(at: number, now: number): number {
  return Math.max(0, Math.round(now - at)) / 1000
}
