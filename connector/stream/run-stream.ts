import type { Wishes } from '../checkpoint/wishes.ts'
import type { Observe, StreamState } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
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

/** How a run of a stream ended. `lost`: another process owns it. `paused`, `held`: it ends instead of waiting. */
export type StreamEnd =
  | { readonly kind: 'stopped' | 'caught-up' | 'paused' }
  | { readonly kind: 'lost' | 'held'; readonly error: unknown }

/**
 * Runs one stream whenever it is assigned here, until the process stops or no further assignment can follow: waits until
 * it is assigned, opens it, and copies pages. After a failure it waits and does the same again. Never rejects.
 */
export async function runStream(parts: StreamParts, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment } = parts
  const enter = streamStates(parts)
  for (;;) {
    enter('waiting')
    await assignment.until(() => assignment.isAssigned(stream) || assignment.isFinal(), stop)
    const end = stop.aborted || !assignment.isAssigned(stream) ? ended : await own({ ...parts, enter }, stop)
    if (end === undefined) continue
    enter('ended')
    return end
  }
}

const ended = { kind: 'stopped' } as const

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

/** While the stream is assigned here. Undefined: it is no longer. */
async function own(parts: Owned, stop: AbortSignal): Promise<StreamEnd | undefined> {
  const { stream, assignment, clock, observe, enter } = parts
  using leave = linkedAbort(stop)
  const epoch = assignment.epoch(stream)
  const isMoved = () => !assignment.isAssigned(stream) || assignment.epoch(stream) !== epoch
  const moving = assignment
    .until(isMoved, leave.signal)
    .then(() => leave.abort(new DOMException('moved', 'AbortError')))
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  const session = parts.compose(grace.signal)
  const tries = nextTries(clock, parts.pauses)
  let end: StreamEnd | undefined
  enter('opening')
  while (end === undefined && !leave.signal.aborted) {
    const onOpen = () => enter('running')
    const tried = await session.run({ leave: leave.signal, isStopping: () => stop.aborted, onOpen })
    end = await afterTry({ ...parts, session, tries }, tried, leave.signal)
  }
  leave.abort()
  await moving
  const as = end !== undefined || stop.aborted ? 'left' : 'moved'
  await session.close(as).catch((error: unknown) => observe({ kind: 'stream-failed', code: codeOf(error), error }))
  return end ?? (stop.aborted ? ended : undefined)
}

interface Trying extends Owned {
  readonly session: StreamSession
  readonly tries: ReturnType<typeof nextTries>
}

/** Reports how a try ended, and waits until the next one may begin. Returns how the run ends if none follows. */
async function afterTry(parts: Trying, tried: TryEnd, leave: AbortSignal): Promise<StreamEnd | undefined> {
  const { session, whenHeld, enter } = parts
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
      parts.observe(pausedBy(session.wishes()))
      if (whenHeld === 'ends') return { kind: tried.kind }
      await session.untilChanged(leave)
      if (!session.wishes().paused) enter('opening')
      return undefined
    case 'failed':
      return await afterFailure(parts, tried, leave)
  }
}

const pausedBy = ({ reason, by: requestedBy, at: requestedAt }: Wishes) =>
  ({ kind: 'stream-paused', reason, requestedBy, requestedAt }) as const

async function afterFailure(
  parts: Trying,
  { error, madeProgress }: Extract<TryEnd, { kind: 'failed' }>,
  leave: AbortSignal,
): Promise<StreamEnd | undefined> {
  const { tries, assignment, session, whenHeld, enter, observe } = parts
  const code = codeOf(error)
  const next = tries.after(error, madeProgress)
  if (session.wishes().paused && next.kind !== 'fenced') {
    enter('paused')
    observe(pausedBy(session.wishes()))
    observe({ kind: 'pause-unsettled', code, error })
    if (next.kind === 'hold' && whenHeld === 'ends') return { kind: 'held', error }
    await pause(parts, { kind: 'hold', pauseMs: next.pauseMs }, leave)
    return undefined
  }
  switch (next.kind) {
    case 'fenced':
      observe({ kind: 'stream-lost', error, wasStopping: leave.aborted })
      if (assignment.isFinal()) return { kind: 'lost', error }
      enter('retrying')
      if (next.fences > 1) observe({ kind: 'stream-contested', fences: next.fences, pauseMs: next.pauseMs })
      break
    case 'retry': {
      const { attempt, isRepeated, pauseMs } = next
      enter('retrying')
      observe({ kind: 'stream-retrying', code, error, pauseMs: Math.round(pauseMs), attempt, isRepeated })
      break
    }
    case 'hold':
      if (whenHeld === 'ends') {
        observe({ kind: 'stream-failed', code, error })
        return { kind: 'held', error }
      }
      enter('held')
      observe({ kind: next.isRepeated ? 'stream-still-held' : 'stream-held', code, error, pauseMs: next.pauseMs })
  }
  await pause(parts, next, leave)
  return undefined
}

/** A newer assignment, or a change of what is stored, ends a pause. */
async function pause(
  { assignment, session, clock }: Trying,
  { kind, pauseMs }: Pick<NextTry, 'kind' | 'pauseMs'>,
  leave: AbortSignal,
): Promise<void> {
  using pausing = linkedAbort(leave)
  const end = () => pausing.abort()
  const before = assignment.generation()
  const waits = [
    clock.sleep(pauseMs, pausing.signal).then(end, () => {}),
    kind === 'hold'
      ? session.untilChanged(pausing.signal).then(end)
      : assignment.until(() => assignment.generation() !== before, pausing.signal).then(end),
  ]
  await Promise.all(waits)
}
