import type { PauseRequest } from '../control/control-document.ts'
import type { ControlWatch } from '../control/control-watch.ts'
import { lastOf, pauseOf } from '../control/requests.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { StreamEnd } from './run-stream.ts'

export interface PausableParts {
  readonly stream: string
  readonly control: Pick<ControlWatch, 'current' | 'failure' | 'until' | 'carriedOut'>
  /** Runs the stream until it ends or `stop` aborts; `giveUp` aborts `finishWithinMs` after `stop`. */
  readonly run: (stop: AbortSignal, giveUp: AbortSignal) => Promise<StreamEnd>
  /** See `settlePending`. */
  readonly settle: (stop: AbortSignal) => Promise<void>
  readonly finishWithinMs: number
  readonly clock: Clock
  readonly observe: Observe
}

/**
 * Runs a stream, except while an operator has paused it: a pause stops it as the end of the process does, so that it
 * finishes its page and saves (invariant 6). Starts nothing before the requests of operators are known.
 */
export async function runUnlessPaused(parts: PausableParts, stop: AbortSignal): Promise<StreamEnd> {
  await untilKnown(parts, stop)
  while (!stop.aborted) {
    const pause = currentPause(parts)
    if (pause !== undefined) {
      await stayPaused(parts, pause, stop)
      continue
    }
    const end = await runUntilPaused(parts, stop)
    if (end.kind !== 'stopped') return end
  }
  return { kind: 'stopped' }
}

function currentPause({ control, stream }: PausableParts): PauseRequest | undefined {
  const document = control.current()
  return document && pauseOf(document, stream)
}

/** A paused stream stays paused when its replica restarts, even if the control object cannot be read. */
async function untilKnown({ control, observe }: PausableParts, stop: AbortSignal): Promise<void> {
  const isKnown = () => control.current() !== undefined
  while (!isKnown() && !stop.aborted) {
    const failure = control.failure()
    observe({ kind: 'control-awaited', failure })
    await control.until(() => isKnown() || control.failure() !== failure, stop)
  }
}

async function runUntilPaused(parts: PausableParts, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, control, clock } = parts
  const document = control.current()
  report(parts, document && lastOf(document, stream))
  using running = linkedAbort(stop)
  using watching = linkedAbort(stop)
  const pausing = control
    .until(() => currentPause(parts) !== undefined, watching.signal)
    .then(() => running.abort(new DOMException(`${stream} is paused`, 'AbortError')))
  using grace = graceAfter(running.signal, parts.finishWithinMs, clock)
  const end = await parts.run(running.signal, grace.signal)
  watching.abort()
  await pausing
  return end
}

async function stayPaused(parts: PausableParts, pause: PauseRequest, stop: AbortSignal): Promise<void> {
  const { control, observe } = parts
  const { reason, requestedAt, requestedBy } = pause
  observe({ kind: 'stream-paused', reason, requestedAt, requestedBy })
  report(parts, pause)
  using paused = linkedAbort(stop)
  const settling = settle(parts, paused.signal)
  await control.until(() => currentPause(parts)?.id !== pause.id, stop)
  paused.abort()
  await settling
  if (!stop.aborted) observe({ kind: 'pause-ended' })
}

function report({ control }: PausableParts, request: Pick<PauseRequest, 'id' | 'progress'> | undefined): void {
  if (request?.progress.kind === 'requested') control.carriedOut(request)
}

const SETTLE_EVERY_MS = 60_000

/** Repeats: a write of the last owner may arrive late and leave a pending state. Never rejects. */
async function settle({ settle, clock, observe }: PausableParts, pauseEnds: AbortSignal): Promise<void> {
  while (!pauseEnds.aborted) {
    try {
      await settle(pauseEnds)
    } catch (error) {
      if (!pauseEnds.aborted) observe({ kind: 'pause-unsettled', code: codeOf(error), error })
    }
    await clock.sleep(SETTLE_EVERY_MS, pauseEnds).catch(() => {})
  }
}
