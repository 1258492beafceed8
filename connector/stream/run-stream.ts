import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import { type ClaimedStreamParts, claimedStream } from '../pipeline/claimed-stream.ts'
import { type PipelineParts, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'
import { pauseAfter, type RetryPolicy } from '../runtime/retry.ts'
import { type Holding, streamHold } from './hold-stream.ts'
import type { OpenParts } from './open/open-parts.ts'
import { openStream } from './open/open-stream.ts'

export interface StreamParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
  readonly clock: Clock
  readonly observe: Observe
  /** A stream that publishes nothing for this time closes its producer until it has something to publish; 0: never. */
  readonly idleAfterMs: number
  readonly reopening: Reopening
  /** How to hold a stream until something outside changes; undefined: the stream ends, as in a one-shot command. */
  readonly holding: Holding | undefined
}

/** Limits of reopening: at most `retries` times (service: `Infinity`), within `withinMs` after the last progress. */
export type Reopening = RetryPolicy & { readonly withinMs: number }

/** How a run of a stream ended. `lost`: another replica owns it. `failed`: a one-shot command gave up. */
export type StreamEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'lost'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A defect may be temporary: some of kafkajs occur only while brokers restart. */
const DEFECTS_IN_A_ROW = 5

/**
 * Opens one stream and copies pages until `stop` aborts. After a failure, reopens it with growing pauses or holds it
 * until the cause is resolved. Never rejects.
 */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, reopening } = parts
  const hasAdvanced = progressCheck()
  const hold = parts.holding && streamHold({ observe, holding: parts.holding })
  let since = clock.monotonic()
  let defects = 0
  let previous: ErrorCode | undefined
  for (let attempt = 1; ; attempt += 1) {
    const end = await runOnce(parts, hasAdvanced, stop)
    if (end.kind !== 'failed') {
      observe({ kind: 'stream-ended' })
      return end
    }
    const code = codeOf(end.error)
    const { then } = errorCatalogue[code]
    if (then === 'lost') {
      observe({ kind: 'stream-lost', error: end.error, wasStopping: stop.aborted })
      return { kind: 'lost', error: end.error }
    }
    if (end.madeProgress) {
      attempt = 1
      defects = 0
      since = clock.monotonic()
      previous = undefined
      hold?.progressed()
    }
    defects = then === 'reopen' ? defects + 1 : 0
    const mayReopen = then === 'retry' || (then === 'reopen' && defects <= DEFECTS_IN_A_ROW)
    const pause = pauseAfter(end.error, attempt, { policy: reopening, clock })
    const isTooLate = clock.monotonic() - since + pause > reopening.withinMs
    if (!mayReopen || attempt > reopening.retries || isTooLate) {
      if (hold === undefined) {
        observe({ kind: 'stream-failed', code, error: end.error })
        return { kind: 'failed', error: end.error }
      }
      await hold.untilPassed(end.error, stop)
      attempt = 0
      previous = undefined
      continue
    }
    const isRepeated = code === previous
    previous = code
    observe({ kind: 'stream-retrying', code, error: end.error, pauseMs: Math.round(pause), isRepeated })
    await clock.sleep(pause, stop).catch(() => {})
  }
}

type OneRun =
  | { readonly kind: 'stopped' | 'caught-up' }
  /** `madeProgress`: the checkpoint moved since the previous run, in this run or because its opening found a commit. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly madeProgress: boolean }

async function runOnce(parts: StreamParts, hasAdvanced: HasAdvanced, stop: AbortSignal): Promise<OneRun> {
  const { open, pipeline } = parts
  let madeProgress = () => false
  try {
    stop.throwIfAborted()
    await untilGroupAnswers(open, stop)
    const reopen: ClaimedStreamParts['reopen'] = (held, giveUp) => openStream(open, giveUp, held)
    const stream = claimedStream(await openStream(open, stop), { ...parts, reopen })
    const advancedAtOpening = hasAdvanced(stream.checkpoint)
    madeProgress = () => hasAdvanced(stream.checkpoint) || advancedAtOpening
    try {
      return { kind: await runPipeline(pipeline, stream, stop) }
    } finally {
      await stream.close()
    }
  } catch (error) {
    // `giveUp` aborts only after a stop: the successor delivers the unfinished page group.
    if (stop.aborted && (error === stop.reason || error === pipeline.giveUp.reason)) return { kind: 'stopped' }
    return { kind: 'failed', error, madeProgress: madeProgress() }
  }
}

type HasAdvanced = (checkpoint: StreamCheckpoint) => boolean

/** Reports whether the checkpoint has moved since the last call; false at the first call. */
function progressCheck(): HasAdvanced {
  let before: string | undefined
  return (checkpoint) => {
    const current = JSON.stringify([checkpoint.seq(), checkpoint.state().scans])
    const hasAdvanced = before !== undefined && current !== before
    before = current
    return hasAdvanced
  }
}

const RECHECK_MS = 1_000

/** Waits until the consumer group answers; opening the stream before could fence the replica that owns it by then. */
export async function untilGroupAnswers(
  { assignment, clock, observe }: Pick<OpenParts, 'assignment' | 'clock' | 'observe'>,
  stop: AbortSignal,
): Promise<void> {
  if (assignment() !== 'unknown') return
  const since = clock.monotonic()
  observe({ kind: 'group-unreachable', code: 'placement.group-unreachable' })
  while (assignment() === 'unknown') await clock.sleep(RECHECK_MS, stop)
  observe({ kind: 'group-reachable', waitedMs: clock.monotonic() - since })
}
