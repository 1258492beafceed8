import type { Wishes } from '../checkpoint/wishes.ts'
import type { Observe, StreamState } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { assertNever } from '../runtime/compiler-checks.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { Assignment } from './assignment.ts'
import { type NextTry, nextTries, type TryPauses } from './next-try.ts'
import type { StreamSession, TryEnd } from './stream-session.ts'

export interface StreamParts {
  readonly stream: string
  readonly assignment: Assignment
  /** `giveUp` aborts `finishWithinMs` after the stream is to end here. */
  readonly compose: (giveUp: AbortSignal) => StreamSession
  readonly finishWithinMs: number
  /** `ends`: instead of waiting while it is paused or held. */
  readonly whenHeld: 'waits' | 'ends'
  /** Default: `tryPauses`. */
  readonly pauses?: TryPauses
  readonly clock: Clock
  readonly observe: Observe
}

/** How a run of a stream ended. `paused`, `held`: it ends instead of waiting. */
export type StreamEnd =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'held'; readonly error: unknown }

/**
 * Runs one stream whenever it is assigned here, until the process stops: waits until it is assigned, opens it, and copies
 * pages. After a failure it waits and does the same again. Never rejects.
 */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment } = parts
  const enter = streamStates(parts)
  let end: StreamEnd | undefined
  while (end === undefined) {
    enter('waiting')
    await assignment.until(() => assignment.isAssigned(stream), stop)
    end = stop.aborted ? { kind: 'stopped' } : await own({ ...parts, enter }, stop)
  }
  enter('ended')
  return end
}

/** Reports each change of the state. */
function streamStates({ clock, observe }: Pick<StreamParts, 'clock' | 'observe'>): (state: StreamState) => void {
  let was: StreamState = 'waiting'
  let since = clock.monotonic()
  return (state) => {
    if (state === was) return
    const now = clock.monotonic()
    observe({ kind: 'stream-state', state, was, lastedMs: now - since })
    ;[was, since] = [state, now]
  }
}

interface Owned extends StreamParts {
  readonly enter: (state: StreamState) => void
}

interface Trying extends Owned {
  readonly session: StreamSession
  readonly tries: ReturnType<typeof nextTries>
}

/** While the stream is assigned here. Undefined: it is no longer. */
async function own(parts: Owned, stop: AbortSignal): Promise<StreamEnd | undefined> {
  const { stream, assignment, clock, observe, enter } = parts
  using leave = linkedAbort(stop)
  const moving = assignment
    .until(() => !assignment.isAssigned(stream), leave.signal)
    .then(() => leave.abort(new DOMException('moved', 'AbortError')))
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  const session = parts.compose(grace.signal)
  const tries = nextTries(clock, parts.pauses)
  const how = {
    leave: leave.signal,
    isStopping: () => stop.aborted,
    onOpen: () => enter('running'),
    onProgress: tries.progress,
  }
  let end: StreamEnd | undefined
  enter('opening')
  while (end === undefined && !leave.signal.aborted)
    end = await afterTry({ ...parts, session, tries }, await session.run(how), leave.signal)
  leave.abort()
  await moving
  if (stop.aborted) end ??= { kind: 'stopped' }
  await session
    .close(end === undefined ? 'moved' : 'left')
    .catch((error: unknown) => observe({ kind: 'stream-failed', code: codeOf(error), error }))
  return end
}

/** Reports how a try ended, and waits until the next one may begin. Returns how the run ends if none follows. */
async function afterTry(parts: Trying, tried: TryEnd, leave: AbortSignal): Promise<StreamEnd | undefined> {
  const { session, whenHeld, enter, observe } = parts
  switch (tried.kind) {
    case 'left':
      return undefined
    case 'changed':
      enter('opening')
      return undefined
    case 'caught-up':
      return { kind: tried.kind }
    case 'paused':
      enter('paused')
      observe(pausedBy(session.wishes()))
      if (whenHeld === 'ends') return { kind: tried.kind }
      await session.untilChanged(leave)
      if (!session.wishes().paused) enter('opening')
      return undefined
    case 'failed':
      return await afterFailure(parts, tried.error, leave)
    default:
      return assertNever(tried)
  }
}

const pausedBy = ({ reason, by: requestedBy, at: requestedAt }: Wishes) =>
  ({ kind: 'stream-paused', reason, requestedBy, requestedAt }) as const

async function afterFailure(parts: Trying, error: unknown, leave: AbortSignal): Promise<StreamEnd | undefined> {
  const { tries, session, whenHeld, observe } = parts
  const next = tries.after(error)
  const isUnsettled = session.wishes().paused && next.kind !== 'fenced'
  if (next.kind === 'hold' && whenHeld === 'ends') {
    observe({ kind: 'stream-failed', code: codeOf(error), error })
    return { kind: 'held', error }
  }
  if (isUnsettled) reportUnsettled(parts, error)
  else reportNext(parts, next, { error, wasStopping: leave.aborted })
  await pause(parts, isUnsettled ? { ...next, kind: 'hold' } : next, leave)
  return undefined
}

/** A paused stream that cannot be left stays paused. */
function reportUnsettled({ session, enter, observe }: Trying, error: unknown): void {
  enter('paused')
  observe(pausedBy(session.wishes()))
  observe({ kind: 'pause-unsettled', code: codeOf(error), error })
}

function reportNext(
  { enter, observe }: Trying,
  { kind, pauseMs, times, isRepeated }: NextTry,
  { error, wasStopping }: { readonly error: unknown; readonly wasStopping: boolean },
): void {
  const code = codeOf(error)
  enter(kind === 'hold' ? 'held' : 'retrying')
  switch (kind) {
    case 'fenced':
      observe({ kind: 'stream-lost', error, wasStopping })
      if (times > 1) observe({ kind: 'stream-contested', fences: times, pauseMs })
      return
    case 'retry':
      observe({ kind: 'stream-retrying', code, error, pauseMs: Math.round(pauseMs), attempt: times, isRepeated })
      return
    case 'hold':
      observe({ kind: isRepeated ? 'stream-still-held' : 'stream-held', code, error, pauseMs })
      return
    default:
      assertNever(kind)
  }
}

/** A newer assignment, or a change of what is stored, ends a pause. */
async function pause(
  { assignment, session, clock }: Trying,
  { kind, pauseMs }: NextTry,
  leave: AbortSignal,
): Promise<void> {
  using pausing = linkedAbort(leave)
  const { signal } = pausing
  const before = assignment.generation()
  const changed =
    kind === 'hold' ? session.untilChanged(signal) : assignment.until(() => assignment.generation() !== before, signal)
  const slept = clock.sleep(pauseMs, signal).catch(() => {})
  await Promise.race([slept, changed])
  pausing.abort()
  await changed // so that nothing of this pause is read during the next try
}
