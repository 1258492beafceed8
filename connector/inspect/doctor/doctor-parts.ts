import type { StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { ConnectorConfig, StreamConfig } from '../../config/connector-config.ts'
import type { ConnectionParts } from '../../kafka/kafka-connection.ts'
import type { StreamNames } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { type ErrorCode, hintOf } from '../../runtime/error-catalogue.ts'
import type { ClientSource } from '../../source/client-source.ts'
import type { CheckpointStore, VersionedObject } from '../../storage/checkpoint-store.ts'

/** What `doctor` checks, and the adapters that it uses. */
export interface DoctorParts {
  readonly config: ConnectorConfig
  readonly clock: Clock
  readonly store: CheckpointStore
  readonly admin: ConnectionParts
  /** What the indexes of a replica may use. */
  readonly indexBytes: number
  readonly streams: readonly StreamUnderTest[]
}

export interface StreamUnderTest {
  readonly config: StreamConfig
  readonly source: ClientSource
  readonly object: VersionedObject
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** The names that `run` uses in Kafka for this stream. */
  readonly names: StreamNames
}

/** What one check found. */
export interface Finding {
  /** It is null if the finding is about the connector, not about one stream. */
  readonly stream: string | null
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'failed' | 'skipped'
  /** It has names, counts and times only (invariant 8). For `skipped`, it is the reason. */
  readonly detail: string
  /** Only a finding that failed has a code. */
  readonly code?: ErrorCode
  /** It says what the operator should do, for `warning` and `failed` only. */
  readonly hint?: string
}

/** A finding without the names of stream and check. */
export type CheckResult = Omit<Finding, 'stream' | 'check'>

export const okResult = (detail: string): CheckResult => ({ verdict: 'ok', detail })
export const warningResult = (detail: string, hint: string): CheckResult => ({ verdict: 'warning', detail, hint })
export const skippedResult = (why: string): CheckResult => ({ verdict: 'skipped', detail: why })
export const failedResult = (code: ErrorCode, detail: string, hint: string = hintOf(code, 'command')): CheckResult => ({
  verdict: 'failed',
  code,
  detail,
  hint,
})

/** Results by the name of their check, in the order of the output. */
export type CheckResults = Readonly<Record<string, CheckResult>>

export interface TimeLimit {
  /** Aborts when the time limit of doctor is reached. */
  readonly finish: AbortSignal
  /** The code to report for a check that has not finished by then. */
  readonly timeoutCode: ErrorCode
}

/** Resolves to the result of `work`, or of its error. Never rejects. */
export async function resultOf(limit: TimeLimit, work: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await work()
  } catch (error) {
    return resultOfError(error, limit)
  }
}

/** Returns the result for an error. Invariant 8: of an unexpected error, it has only the name. */
export function resultOfError(error: unknown, { timeoutCode, finish }: TimeLimit): CheckResult {
  const code = codeOf(error)
  if (code !== 'bug' && error instanceof Error) return failedResult(code, error.message)
  if (finish.aborted) return failedResult(timeoutCode, 'no response within the time limit of doctor')
  return failedResult('bug', `unexpected ${error instanceof Error ? error.name : 'error'}`)
}

export const hasPassed = ({ verdict }: CheckResult) => verdict === 'ok' || verdict === 'warning'
