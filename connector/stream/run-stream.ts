import { waitingRewind } from '../checkpoint/wishes.ts'
import { type OpenedStream, withDeadline } from '../pipeline/delivery.ts'
import { type PipelineEnd, type PipelineParts, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe, StateReason, StreamState } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import { nextStep, type StreamEnd, type TryOutcome, type WaitFor } from './next-step.ts'
import { type OpenParts, openStream } from './open-stream.ts'
import type { Assignment } from './run-streams.ts'
import { type StreamTries, streamTries, type TryPauses } from './stream-tries.ts'

/** A stream works with these while it is assigned here. */
export interface StreamParts {
  readonly openParts: OpenParts
  readonly pipelineParts: PipelineParts
}

/** A stream is composed with these. */
export interface StreamComposition {
  readonly closing: CloseStack
  /** Aborts `finishWithinMs` after the stream is to end here. */
  readonly giveUp: AbortSignal
  readonly observe: Observe
}

export interface RunParts {
  readonly stream: string
  readonly assignment: Assignment
  /** Is called once for each assignment of the stream to this replica. It connects to nothing. */
  readonly compose: (of: StreamComposition) => StreamParts
  readonly finishWithinMs: number
  /** With `ends`, the run ends where it would wait because the stream is paused or held. */
  readonly whenHeld: 'waits' | 'ends'
  /** Defaults to `tryPauses`. */
  readonly pauses?: TryPauses
  /** The wishes are read this often, and the document too while the stream is held. Defaults to 10 seconds. */
  readonly lookEveryMs?: number
  readonly clock: Clock
  readonly observe: Observe
}

/**
 * Runs one stream whenever it is assigned here, until the process stops: waits until it is assigned, opens it, and
 * copies pages. After a failure it waits and does the same again. Never rejects.
 */
export async function runStream(parts: RunParts, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment } = parts
  const state = reportedState(parts)
  let end: StreamEnd | undefined
  while (end === undefined) {
    state.enter('waiting')
    await assignment.until(() => assignment.isAssigned(stream), stop)
    end = stop.aborted ? { kind: 'stopped' } : await runAssigned(parts, state, stop)
  }
  state.enter('ended')
  return end
}

/**
 * Keeps the state of a stream, and reports each change of it, each failure, and each request of an operator to pause.
 */
interface ReportedState {
  current(): StreamState
  enter(state: StreamState, why?: StateReason): void
}

function reportedState({ observe }: RunParts): ReportedState {
  let current: StreamState = 'waiting'
  let lastReason: StateReason = {}
  return {
    current: () => current,
    enter: (state, why = {}) => {
      const previousState = current
      const { failure, pause } = why
      const isNew = state !== previousState || failure !== lastReason.failure || pause?.id !== lastReason.pause?.id
      current = state
      lastReason = why
      if (isNew) observe({ kind: 'stream-state', state, previousState, ...why })
    },
  }
}

/** A stream while it is assigned here. If only its source fails, it stays open. */
interface AssignedStream extends Omit<RunParts, 'compose'>, StreamParts {
  readonly state: ReportedState
  readonly tries: StreamTries
  /** Aborts when the stream is to end here. */
  readonly stopHere: AbortSignal
  /** Whether this process ends, so that the stream must be left without an owner. */
  readonly isGivenUp: () => boolean
  openedStream: OpenedStream | undefined
}

/** Runs the stream until it has ended, or is no longer assigned here; then it resolves to undefined. */
async function runAssigned(parts: RunParts, state: ReportedState, stop: AbortSignal): Promise<StreamEnd | undefined> {
  const { stream, assignment, clock, whenHeld } = parts
  using leave = linkedAbort(stop)
  void assignment
    .until(() => !assignment.isAssigned(stream), leave.signal)
    .then(() => leave.abort(new DOMException('moved', 'AbortError')))
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  await using closing = closeStack()
  const tries = streamTries(clock, parts.pauses)
  const observe: Observe = (event) => {
    tries.onEvent(event)
    parts.observe(event)
    if (event.kind === 'pages-published' || event.kind === 'page-read') enterRunning(assigned)
  }
  const { openParts, pipelineParts } = parts.compose({ closing, giveUp: grace.signal, observe })
  const assigned: AssignedStream = {
    ...parts,
    openParts,
    pipelineParts,
    state,
    tries,
    stopHere: leave.signal,
    isGivenUp: () => stop.aborted || whenHeld === 'ends',
    openedStream: undefined,
  }
  state.enter('opening')
  let end: StreamEnd | undefined
  while (end === undefined && !leave.signal.aborted) end = await tryAndWait(assigned)
  leave.abort()
  // A stream that is still open is saved and closed by one more try.
  if (assigned.openedStream !== undefined) await tryAndWait(assigned)
  return end ?? (stop.aborted ? { kind: 'stopped' } : undefined)
}

/**
 * Shows the stream as running, unless its last failure is not over: then it shows that failure while it tries again.
 */
function enterRunning({ state, tries }: AssignedStream) {
  if (state.current() === 'opening' || !tries.isFailing()) state.enter('running')
}

/**
 * Tries once to open the stream and to copy pages, then waits until that may be tried again. Resolves to how the run
 * ends, or to undefined if it goes on.
 */
async function tryAndWait(assigned: AssignedStream): Promise<StreamEnd | undefined> {
  const { openParts, state, stopHere, whenHeld } = assigned
  const outcome = await tryOnce(assigned)
  const wishes = openParts.wishes.current()
  const step = nextStep(outcome, { isPaused: wishes.paused, isLeaving: stopHere.aborted, whenHeld })
  const failure = outcome.kind === 'failed' ? outcome.failure : undefined
  const pause = step.state === 'paused' ? wishes : undefined
  if (step.state !== null) state.enter(step.state, { failure, pause })
  if (step.kind === 'end') return step.end
  await waitFor(step.after, assigned, failure?.pauseMs)
  if (state.current() === 'paused' && !stopHere.aborted && !openParts.wishes.current().paused) state.enter('opening')
  return undefined
}

async function waitFor(awaitedChange: WaitFor, assigned: AssignedStream, pauseMs = PAUSED_MS) {
  const { assignment, clock, stopHere } = assigned
  if (awaitedChange === 'nothing') return
  // A newer assignment, or a change of the stored document or wishes, ends the pause.
  using pause = clock.deadline(pauseMs, stopHere)
  if (awaitedChange === 'assignment') await assignment.untilNext(pause.signal)
  else await untilChanged(awaitedChange, assigned, pause.signal)
}

/** Opens the stream and copies pages. It is no failure if the try has ended only because the stream is to end here. */
async function tryOnce(assigned: AssignedStream): Promise<TryOutcome> {
  const { tries, stopHere, pipelineParts } = assigned
  try {
    const end = await openAndCopy(assigned)
    return end.kind === 'failed' ? { kind: 'failed', failure: tries.afterFailure(end.error, 'other') } : end
  } catch (error) {
    const of = assigned.openedStream === undefined ? 'other' : 'delivery'
    // `giveUp` aborts only after `stopHere`, and many errors then say so: the successor delivers the unfinished page
    // group.
    const hasEnded = (stopHere.aborted && error === stopHere.reason) || pipelineParts.giveUp.aborted
    await closeStream(assigned)
    if (hasEnded) return { kind: 'stopped' }
    return { kind: 'failed', failure: tries.afterFailure(error, of) }
  }
}

/**
 * Resolves with `stopped` if the stream is to end here, or an operator wants something else. After `failed` it is still
 * open.
 */
async function openAndCopy(assigned: AssignedStream): Promise<PipelineEnd | { readonly kind: 'paused' }> {
  const { stopHere, openParts, pipelineParts, tries, clock } = assigned
  const tryBeganAt = clock.monotonic()
  if (assigned.openedStream === undefined) {
    const stream = await openStream(openParts, stopHere)
    if (stream === 'paused') return { kind: 'paused' }
    assigned.openedStream = stream
  }
  tries.onRunning(tryBeganAt)
  const end: PipelineEnd =
    stopHere.aborted || hasWishWaiting(assigned)
      ? { kind: 'stopped' }
      : await copyUntilWish(assigned, assigned.openedStream)
  if (end.kind === 'failed') return end
  const { checkpoint } = assigned.openedStream
  const isOwned = end.kind === 'stopped' && !openParts.wishes.current().paused && !assigned.isGivenUp()
  // Invariant 6: the state is saved, and without an owner if this process leaves the stream.
  if (!isOwned) await withDeadline(pipelineParts, checkpoint.leave)
  else if (!checkpoint.isSaved()) await withDeadline(pipelineParts, checkpoint.save)
  await closeStream(assigned)
  return end
}

async function copyUntilWish(assigned: AssignedStream, openedStream: OpenedStream): Promise<PipelineEnd> {
  const { pipelineParts, tries, stopHere } = assigned
  enterRunning(assigned)
  using copyAbort = linkedAbort(stopHere)
  const { signal } = copyAbort
  const isFound = async () => {
    await readWishes(assigned, signal)
    return hasWishWaiting(assigned)
  }
  const search = lookUntil(assigned, isFound, signal).then(() => copyAbort.abort())
  try {
    return await runPipeline({ ...pipelineParts, takesOnePage: tries.isDeliveryFailing }, openedStream, signal)
  } finally {
    copyAbort.abort()
    await search
  }
}

async function closeStream(assigned: AssignedStream) {
  const { openedStream } = assigned
  assigned.openedStream = undefined
  if (openedStream !== undefined) await Promise.all([openedStream.producer.close(), openedStream.checkpoint.close()])
}

/** Whether an operator wants the stream to pause, or to be opened again for a rewind. */
function hasWishWaiting({ openParts, openedStream }: AssignedStream) {
  const wishes = openParts.wishes.current()
  return wishes.paused || waitingRewind(openedStream?.checkpoint, wishes) !== undefined
}

/** Reads the wishes, and clears a rewind that was applied; if the latter fails, the next reading does it. */
async function readWishes({ openParts, openedStream }: AssignedStream, stop: AbortSignal) {
  await openParts.wishes.read(stop)
  await openParts.wishes.clear(openedStream?.checkpoint.appliedRewind ?? null, stop).catch(() => {})
}

/**
 * Waits until `stop` aborts or another process has changed the wishes; with `change`, also until it has changed the
 * document.
 */
async function untilChanged(what: 'wishes' | 'change', assigned: AssignedStream, stop: AbortSignal) {
  const { object, wishes } = assigned.openParts
  const { id } = wishes.current()
  let version: string | undefined
  const isFound = async () => {
    const now = what === 'change' ? String((await object.read(stop))?.version) : version
    version ??= now
    await readWishes(assigned, stop)
    return now !== version || wishes.current().id !== id
  }
  await lookUntil(assigned, isFound, stop)
}

/** After this time a paused stream is opened once more: a replica that did not see the pause may have claimed it. */
const PAUSED_MS = 60_000
const LOOK_EVERY_MS = 10_000

/**
 * Looks again and again until something is found, or `stop` aborts. While the store does not answer, nothing is found.
 */
async function lookUntil(assigned: AssignedStream, isFound: () => Promise<boolean>, stop: AbortSignal) {
  const { clock, lookEveryMs = LOOK_EVERY_MS } = assigned
  while (!stop.aborted && !(await isFound().catch(() => false))) await clock.sleep(lookEveryMs, stop).catch(() => {})
}
