import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { Attempt } from './attempt.ts'
import type { Contention } from './contention.ts'
import { stayHeld } from './held-stream.ts'
import { type StreamMachine, streamMachine } from './stream-machine.ts'
import { createTries, type Tries, type TryPolicy } from './tries.ts'
import { onlyUntil, type Wishes } from './wishes.ts'

/** What the attempts to run a stream share. */
export interface StreamAdapters {
  readonly attempt: Attempt
  /** Resolves if a read-only check shows that the cause `code` is resolved; rejects with the remaining cause. */
  readonly check: (code: ErrorCode, stop: AbortSignal) => Promise<void>
  close(): Promise<void>
}

export interface StreamParts extends TryPolicy {
  readonly wishes: Wishes
  /** `giveUp` aborts `finishWithinMs` after something else than running is wanted. */
  readonly compose: (giveUp: AbortSignal) => StreamAdapters
  readonly finishWithinMs: number
  /** Of a paused stream: see `settlePending`. */
  readonly settle: (stop: AbortSignal) => Promise<void>
  /** Undefined: a stream that another process took is not taken back. */
  readonly contention: Contention | undefined
  readonly clock: Clock
  readonly observe: Observe
}

/** For a command: nobody pauses the stream, holds it or takes it back. */
export function unattended(stop: AbortSignal): Pick<StreamParts, 'wishes' | 'holding' | 'settle' | 'contention'> {
  return { wishes: onlyUntil(stop), holding: undefined, settle: async () => {}, contention: undefined }
}

/** How a run of a stream ended. `lost`: another process owns it. `failed`: a one-shot command gave up. */
export type StreamEnd =
  | { readonly kind: 'stopped' | 'caught-up' }
  | { readonly kind: 'lost' | 'failed'; readonly error: unknown }

/** Does with one stream what is wanted, until the process stops or gives it up. Never rejects. */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { wishes, contention } = parts
  const machine = streamMachine(parts)
  let end: StreamEnd = { kind: 'stopped' }
  for (;;) {
    switch (machine.state()) {
      case 'waiting':
        await wishes.until(() => wishes.current().kind !== 'wait', stop)
        machine.take(wishes.current().kind)
        break
      case 'paused':
        await stayPaused(parts, stop)
        machine.take(wishes.current().kind)
        break
      case 'lost':
        await contention?.untilReopenable(stop)
        machine.take(contention === undefined || contention.isFinal() ? 'stop' : wishes.current().kind)
        break
      case 'ended':
        return end
      default:
        contention?.started()
        end = await own(parts, machine, stop)
    }
  }
}

/** Opens and runs the stream, again after each failure, until something else is wanted, or it is lost or given up. */
async function own(parts: StreamParts, machine: StreamMachine, stop: AbortSignal): Promise<StreamEnd> {
  const { wishes, holding, clock } = parts
  const started = wishes.current()
  const isUnwanted = () => {
    const { kind, id } = wishes.current()
    return kind !== started.kind || id !== started.id
  }
  using leave = linkedAbort(stop)
  const leaving = wishes.until(isUnwanted, leave.signal).then((isLeft) => {
    if (isLeft) machine.take('left')
    leave.abort(new DOMException('another state of the stream is wanted', 'AbortError'))
  })
  const answering = holding?.requests.run(leave.signal)
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  const adapters = parts.compose(grace.signal)
  const owned = { ...parts, machine, adapters, tries: createTries(parts, clock) }
  await wishes.untilKnown(leave.signal)
  if (isUnwanted()) machine.take('left')
  else wishes.carriedOut()
  const end = await untilLeft(owned, leave.signal)
  leave.abort()
  await Promise.all([leaving, answering])
  try {
    await adapters.close()
  } catch (error) {
    parts.observe({ kind: 'stream-failed', code: codeOf(error), error })
  }
  if (machine.state() === 'stopping') machine.take(wishes.current().kind)
  return end
}

interface Owned extends StreamParts {
  readonly machine: StreamMachine
  readonly adapters: StreamAdapters
  readonly tries: Tries
}

/** Tries to run the stream, with pauses between the attempts. */
async function untilLeft(owned: Owned, leave: AbortSignal): Promise<StreamEnd> {
  const { machine, adapters, tries, clock, observe } = owned
  while (machine.state() === 'opening') {
    const end = await adapters.attempt(machine.take, leave)
    if (end.kind !== 'failed') {
      machine.take(end.kind)
      return { kind: end.kind === 'left' ? 'stopped' : end.kind }
    }
    const { error } = end
    const code = codeOf(error)
    const after = tries.failed(error, end.madeProgress)
    switch (after.kind) {
      case 'lost':
        observe({ kind: 'stream-lost', error, wasStopping: leave.aborted })
        machine.take('lost')
        return { kind: 'lost', error }
      case 'give-up':
        observe({ kind: 'stream-failed', code, error })
        machine.take('give-up')
        return { kind: 'failed', error }
      case 'retry':
        machine.take('retry')
        observe({
          kind: 'stream-retrying',
          code,
          error,
          pauseMs: Math.round(after.pauseMs),
          isRepeated: after.isRepeated,
        })
        await clock.sleep(after.pauseMs, leave).catch(() => {})
        break
      default:
        machine.take('hold')
        await stayHeld({ ...after.holding, check: adapters.check, tries, observe }, error, leave)
    }
    machine.take(leave.aborted ? 'left' : 'passed')
  }
  return { kind: 'stopped' }
}

const SETTLE_EVERY_MS = 60_000

/** Until another wish. A write of the last owner may arrive late and leave a pending state: settles again and again. */
async function stayPaused({ wishes, settle, clock, observe }: StreamParts, stop: AbortSignal): Promise<void> {
  const pause = wishes.pause()
  if (pause === undefined) return
  const { id, reason, requestedAt, requestedBy } = pause
  observe({ kind: 'stream-paused', reason, requestedAt, requestedBy })
  wishes.carriedOut()
  using paused = linkedAbort(stop)
  const ending = wishes.until(() => wishes.current().id !== id, paused.signal).then(() => paused.abort())
  while (!paused.signal.aborted) {
    try {
      await settle(paused.signal)
    } catch (error) {
      if (!paused.signal.aborted) observe({ kind: 'pause-unsettled', code: codeOf(error), error })
    }
    await clock.sleep(SETTLE_EVERY_MS, paused.signal).catch(() => {})
  }
  await ending
}
