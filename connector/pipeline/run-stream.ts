import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { pauseMs, type RetryPolicy } from '../runtime/retry.ts'
import { type ClaimedStreamParts, claimedStream } from './claimed-stream.ts'
import { type OpenParts, openStream } from './open-stream.ts'
import { type PipelineParts, runPipeline } from './pipeline.ts'
import type { Observe } from './pipeline-event.ts'

export interface StreamParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
  readonly clock: Clock
  readonly observe: Observe
  /** A stream that published nothing for so long closes its session until it has something to publish; 0: never. */
  readonly idleAfterMs: number
  readonly reopening: Reopening
}

/** The pauses between two openings; `retries` says how often (`Infinity` for a service), `withinMs` how long after the last progress. */
export type Reopening = RetryPolicy & { readonly withinMs: number }

/** How a stream ended. `lost`: another replica has it. `failed`: an operator has to do something (or, without retries left, try again). */
export type StreamEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'lost'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A defect may be one of the moment: kafkajs has some that show when brokers come and go. */
const DEFECTS_IN_A_ROW = 5

/** Runs one stream: open, copy, and after transient trouble the same again with growing pauses, until `stop` aborts. Never rejects. */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { clock, observe, reopening } = parts
  let since = clock.monotonic()
  let defects = 0
  for (let attempt = 1; ; attempt += 1) {
    const end = await runOnce(parts, stop)
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
    if (end.gotFurther) {
      attempt = 1
      defects = 0
      since = clock.monotonic()
    }
    defects = then === 'reopen' ? defects + 1 : 0
    const isOpenedAgain = then === 'retry' || (then === 'reopen' && defects <= DEFECTS_IN_A_ROW)
    if (!isOpenedAgain || attempt > reopening.retries || clock.monotonic() - since > reopening.withinMs) {
      observe({ kind: 'stream-stopped', code, error: end.error })
      return { kind: 'failed', error: end.error }
    }
    const pause = pauseMs(reopening, attempt, clock.random())
    observe({ kind: 'stream-retrying', code, error: end.error, pauseMs: Math.round(pause) })
    await clock.sleep(pause, stop).catch(() => {})
  }
}

type OneRun =
  | { readonly kind: 'stopped' | 'drained' }
  /** `gotFurther`: the checkpoint moved before the failure. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly gotFurther: boolean }

async function runOnce(parts: StreamParts, stop: AbortSignal): Promise<OneRun> {
  const { open, pipeline } = parts
  let gotFurther = () => false
  try {
    stop.throwIfAborted()
    const reopen: ClaimedStreamParts['reopen'] = (held, giveUp) => openStream(open, giveUp, held)
    const stream = claimedStream(await openStream(open, stop), { ...parts, reopen })
    const from = stream.checkpoint.state()
    gotFurther = () => stream.checkpoint.state() !== from
    try {
      return { kind: await runPipeline(pipeline, stream, stop) }
    } finally {
      await stream.closeSession()
    }
  } catch (error) {
    // `giveUp` comes after a stop alone: what was in hand is left to the successor.
    if (stop.aborted && (error === stop.reason || error === pipeline.giveUp.reason)) return { kind: 'stopped' }
    return { kind: 'failed', error, gotFurther: gotFurther() }
  }
}
