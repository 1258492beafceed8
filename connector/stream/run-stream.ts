import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { Attempt, AttemptEnd } from './attempt.ts'
import type { Contention } from './contention.ts'
import type { DesiredState } from './desired-state.ts'
import { stayHeld } from './held-stream.ts'
import { type StreamMachine, streamMachine } from './stream-machine.ts'
import { createTries, type Tries, type TryPolicy } from './tries.ts'

/** What the attempts to run a stream share. */
export interface StreamAdapters {
  readonly attempt: Attempt
  /** Resolves if a read-only check shows that the cause `code` is resolved; rejects with the remaining cause. */
  readonly check: (code: ErrorCode, stop: AbortSignal) => Promise<void>
  close(): Promise<void>
}

export interface StreamParts extends TryPolicy {
  readonly desired: DesiredState
  /** `giveUp` aborts `finishWithinMs` after something else than running is wanted. */
  readonly compose: (giveUp: AbortSignal) => StreamAdapters
  readonly finishWithinMs: number
  /** Of a paused stream: see `settlePending`. */
  readonly settle: (stop: AbortSignal) => Promise<void>
  readonly contention: Contention
  readonly clock: Clock
  readonly observe: Observe
}

/** How a run of a stream ended. `lost`: another process owns it. `paused`, `held`: it ends instead of waiting. */
export type StreamEnd =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'lost' | 'held'; readonly error: unknown }

/** Does with one stream what is wanted, until the process stops or gives it up. Never rejects. */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { desired, contention, holding } = parts
  const machine = streamMachine(parts)
  let end: StreamEnd = { kind: 'stopped' }
  for (;;) {
    switch (machine.state()) {
      case 'waiting':
        await desired.until(() => desired.current().kind !== 'wait', stop)
        machine.take(desired.current().kind)
        break
      case 'paused':
        await stayPaused(parts, stop)
        if (holding === undefined) end = { kind: 'paused' }
        machine.take(holding === undefined ? 'stop' : desired.current().kind)
        break
      case 'lost':
        await contention.untilReopenable(stop)
        machine.take(contention.isFinal() ? 'stop' : desired.current().kind)
        break
      case 'ended':
        return end
      default:
        contention.started()
        end = await own(parts, machine, stop)
    }
  }
}

/** Opens and runs the stream, again after each failure, until something else is wanted, or it is lost or given up. */
async function own(parts: StreamParts, machine: StreamMachine, stop: AbortSignal): Promise<StreamEnd> {
  const { desired, holding, clock } = parts
  const started = desired.current()
  const isUnwanted = () => {
    const { kind, id } = desired.current()
    return kind !== started.kind || id !== started.id
  }
  using leave = linkedAbort(stop)
  const leaving = desired.until(isUnwanted, leave.signal).then((isLeft) => {
    if (isLeft) machine.take('left')
    leave.abort(new DOMException('another state of the stream is wanted', 'AbortError'))
  })
  const answering = holding?.requests.run(leave.signal)
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  const adapters = parts.compose(grace.signal)
  const owned = { ...parts, machine, adapters, tries: createTries(parts, clock) }
  await desired.untilKnown(leave.signal)
  if (isUnwanted()) machine.take('left')
  else desired.carriedOut()
  let end: StreamEnd = { kind: 'stopped' }
  while (machine.state() === 'opening') {
    const attempted = await adapters.attempt(machine.take, leave.signal)
    end = await afterAttempt(owned, attempted, leave.signal)
  }
  leave.abort()
  await Promise.all([leaving, answering])
  try {
    await adapters.close()
  } catch (error) {
    parts.observe({ kind: 'stream-failed', code: codeOf(error), error })
  }
  if (machine.state() === 'stopping') machine.take(desired.current().kind)
  return end
}

interface Owned extends StreamParts {
  readonly machine: StreamMachine
  readonly adapters: StreamAdapters
  readonly tries: Tries
}

/** Reports a failure, and waits until the next attempt may begin. Returns how the run ends if none follows. */
async function afterAttempt(owned: Owned, attempted: AttemptEnd, leave: AbortSignal): Promise<StreamEnd> {
  const { machine, adapters, tries, clock, observe } = owned
  if (attempted.kind !== 'failed') {
    machine.take(attempted.kind)
    return { kind: attempted.kind === 'left' ? 'stopped' : attempted.kind }
  }
  const { error } = attempted
  const code = codeOf(error)
  const after = tries.failed(error, attempted.madeProgress)
  switch (after.kind) {
    case 'lost':
      observe({ kind: 'stream-lost', error, wasStopping: leave.aborted })
      machine.take('lost')
      return { kind: 'lost', error }
    case 'give-up':
      observe({ kind: 'stream-failed', code, error })
      machine.take('give-up')
      return { kind: 'held', error }
    case 'retry': {
      const { pauseMs, attempt, isRepeated } = after
      machine.take('retry')
      observe({ kind: 'stream-retrying', code, error, pauseMs: Math.round(pauseMs), attempt, isRepeated })
      await clock.sleep(pauseMs, leave).catch(() => {})
      break
    }
    default:
      machine.take('hold')
      await stayHeld({ ...after.holding, check: adapters.check, tries, observe }, error, leave)
  }
  machine.take(leave.aborted ? 'left' : 'passed')
  return { kind: 'stopped' }
}

const SETTLE_EVERY_MS = 60_000

/**
 * Until something else is wanted, or once if the stream is to end. Settles repeatedly: a late write of the last owner may
 * leave a pending state.
 */
async function stayPaused({ desired, settle, holding, clock, observe }: StreamParts, stop: AbortSignal): Promise<void> {
  const pause = desired.pause()
  if (pause === undefined) return
  const { id, reason, requestedAt, requestedBy } = pause
  observe({ kind: 'stream-paused', reason, requestedAt, requestedBy })
  desired.carriedOut()
  using paused = linkedAbort(stop)
  const ending = desired.until(() => desired.current().id !== id, paused.signal).then(() => paused.abort())
  while (!paused.signal.aborted) {
    try {
      await settle(paused.signal)
    } catch (error) {
      if (!paused.signal.aborted) observe({ kind: 'pause-unsettled', code: codeOf(error), error })
    }
    if (holding === undefined) paused.abort()
    await clock.sleep(SETTLE_EVERY_MS, paused.signal).catch(() => {})
  }
  await ending
}
