import { waitingRewind } from '../checkpoint/wishes.ts'
import { type OpenStream, withDeadline } from '../pipeline/delivery.ts'
import { type PipelineParts, type ReadFailure, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe, StreamState, WhyInState } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import { type NextTries, nextTries, type TryPauses } from './next-try.ts'
import type { OpenParts } from './open-stream.ts'
import { openStream } from './open-stream.ts'
import type { Assignment } from './run-streams.ts'

/** What a stream works with while it is assigned here. */
export interface StreamParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
}

/** What a stream is composed with. */
export interface ComposeFor {
  readonly closing: CloseStack
  /** Aborts `finishWithinMs` after the stream is to end here. */
  readonly giveUp: AbortSignal
  readonly observe: Observe
}

export interface RunParts {
  readonly stream: string
  readonly assignment: Assignment
  /** Called once while the stream is assigned here. Connects to nothing. */
  readonly compose: (of: ComposeFor) => StreamParts
  readonly finishWithinMs: number
  /** `ends`: instead of waiting while it is paused or held. */
  readonly whenHeld: 'waits' | 'ends'
  /** Default: `tryPauses`. */
  readonly pauses?: TryPauses
  /** How often the wishes are read; while the stream is paused or held, also the document. Default: 10 seconds. */
  readonly lookEveryMs?: number
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
export async function runStream(parts: RunParts, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment } = parts
  const enter = streamStates(parts)
  let end: StreamEnd | undefined
  while (end === undefined) {
    enter('waiting')
    await assignment.until(() => assignment.isAssigned(stream), stop)
    end = stop.aborted ? { kind: 'stopped' } : await runAssigned(parts, enter, stop)
  }
  enter('ended')
  return end
}

type Enter = (state: StreamState, why?: WhyInState) => void

/** Reports each change of the state, each failure, and each pause that an operator asks for. */
function streamStates({ observe }: Pick<RunParts, 'observe'>): Enter {
  let was: StreamState = 'waiting'
  let before: WhyInState = {}
  return (state, why = {}) => {
    const { failure, pause } = why
    if (state !== was || failure !== before.failure || pause?.id !== before.pause?.id)
      observe({ kind: 'stream-state', state, was, ...why })
    was = state
    before = why
  }
}

/** A stream while it is assigned here. One whose source fails stays open. */
interface Here extends Omit<RunParts, 'compose'>, StreamParts {
  readonly enter: Enter
  readonly tries: NextTries
  /** The stream is to end here. */
  readonly leave: AbortSignal
  /** Whether no other replica takes the stream. */
  readonly isGivenUp: () => boolean
  opened: OpenStream | undefined
}

/** Undefined: it is assigned here no longer. */
async function runAssigned(parts: RunParts, enter: Enter, stop: AbortSignal): Promise<StreamEnd | undefined> {
  const { stream, assignment, clock, whenHeld } = parts
  using leave = linkedAbort(stop)
  void assignment
    .until(() => !assignment.isAssigned(stream), leave.signal)
    .then(() => leave.abort(new DOMException('moved', 'AbortError')))
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  await using closing = closeStack()
  const tries = nextTries(clock, parts.pauses)
  const observe: Observe = (event) => {
    if (event.kind === 'page-read') enter('running')
    if (event.kind === 'pages-published') tries.progress()
    parts.observe(event)
  }
  const { open, pipeline } = parts.compose({ closing, giveUp: grace.signal, observe })
  const isGivenUp = () => stop.aborted || whenHeld === 'ends'
  const unopened = { opened: undefined }
  const here: Here = { ...parts, open, pipeline, enter, tries, leave: leave.signal, isGivenUp, ...unopened }
  enter('opening')
  let end: StreamEnd | undefined
  while (end === undefined && !leave.signal.aborted) end = await tryAndWait(here)
  leave.abort()
  if (here.opened !== undefined) await tryAndWait(here) // saves it
  return end ?? (stop.aborted ? { kind: 'stopped' } : undefined)
}

/** Opens the stream and copies pages; waits until that may be tried again. Returns how the run ends if it is not. */
async function tryAndWait(here: Here): Promise<StreamEnd | undefined> {
  const { leave, enter, whenHeld, clock, lookEveryMs = LOOK_EVERY_MS } = here
  const tried = await openAndCopy(here).catch(async (error: unknown) => {
    await close(here)
    return { error }
  })
  if (typeof tried === 'object') return await afterFailure(here, tried.error)
  if (tried === 'caught-up') return { kind: tried }
  if (tried === 'paused') {
    enter('paused', { pause: here.open.wishes.current() })
    if (whenHeld === 'ends') return { kind: 'paused' }
    await clock
      .sleep(lookEveryMs, leave)
      .then(() => look(here, leave))
      .catch(() => {})
  }
  if (!leave.aborted && !here.open.wishes.current().paused) enter('opening')
  return undefined
}

/** `stopped`: the stream is to end here, or an operator wants something else. After a `ReadFailure` it is still open. */
async function openAndCopy(here: Here): Promise<'stopped' | 'caught-up' | 'paused' | ReadFailure> {
  const { leave, enter, open, pipeline } = here
  if (here.opened === undefined) {
    const stream = await openStream(open, leave)
    if (stream === 'paused') return stream
    here.opened = stream
    enter('running')
  }
  const end = leave.aborted || isWanted(here) ? 'stopped' : await copyUntilWanted(here, here.opened)
  if (typeof end === 'object') return end
  const { checkpoint } = here.opened
  const isOwned = end === 'stopped' && !open.wishes.current().paused && !here.isGivenUp()
  // Invariant 6: the state is saved, without an owner if no other replica takes the stream.
  if (!isOwned) await withDeadline(pipeline, checkpoint.leave)
  else if (!checkpoint.isSaved()) await withDeadline(pipeline, checkpoint.save)
  await close(here)
  return end
}

async function copyUntilWanted(here: Here, opened: OpenStream): Promise<'stopped' | 'caught-up' | ReadFailure> {
  using copying = linkedAbort(here.leave)
  const { signal } = copying
  const isFound = async () => {
    await look(here, signal)
    return isWanted(here)
  }
  const looking = lookUntil(here, isFound, signal).then(() => copying.abort())
  try {
    return await runPipeline(here.pipeline, opened, signal)
  } finally {
    copying.abort()
    await looking
  }
}

async function close(here: Here): Promise<void> {
  const { opened } = here
  here.opened = undefined
  if (opened !== undefined) await Promise.all([opened.producer.close(), opened.checkpoint.close()])
}

/** Reports the failure, and waits until the same step may be tried again. */
async function afterFailure(here: Here, error: unknown): Promise<StreamEnd | undefined> {
  const { open, pipeline, tries, whenHeld, assignment, clock, leave, enter } = here
  // `giveUp` aborts only after `leave`: the successor delivers the unfinished page group.
  if (leave.aborted && (error === leave.reason || error === pipeline.giveUp.reason)) return undefined
  const failure = tries.after(error)
  const { kind, pauseMs } = failure
  if (kind === 'hold' && whenHeld === 'ends') {
    enter('ended', { failure })
    return { kind: 'held', error }
  }
  const wishes = open.wishes.current()
  const isPaused = wishes.paused && kind !== 'fenced'
  if (isPaused) enter('paused', { failure, pause: wishes })
  else enter(kind === 'hold' ? 'held' : 'retrying', { failure })
  // A newer assignment, or a change of what is stored, ends the wait.
  using wait = clock.deadline(pauseMs, leave)
  if (isPaused || kind === 'hold') await untilChanged(here, wait.signal)
  else await assignment.next(wait.signal)
  return undefined
}

/** Whether the stream is to stop, or to be opened again for a rewind. */
function isWanted({ open, opened }: Here): boolean {
  const wishes = open.wishes.current()
  return wishes.paused || waitingRewind(opened?.checkpoint, wishes) !== undefined
}

/** Reads the wishes, and clears a rewind that was applied: if that fails, another look does. */
async function look({ open, opened }: Here, stop: AbortSignal): Promise<void> {
  await open.wishes.read(stop)
  await open.wishes.clear(opened?.checkpoint.rewound ?? null, stop).catch(() => {})
}

/** Waits until another process has changed the document or the wishes, or `stop` aborts. */
async function untilChanged(here: Here, stop: AbortSignal): Promise<void> {
  const { object, wishes } = here.open
  const { id } = wishes.current()
  let version: string | undefined
  const isFound = async () => {
    const now = String((await object.read(stop))?.version)
    version ??= now
    await look(here, stop)
    return now !== version || wishes.current().id !== id
  }
  await lookUntil(here, isFound, stop)
}

const LOOK_EVERY_MS = 10_000

/** Looks again and again until something is found, or `stop` aborts. While the store does not answer, nothing is. */
async function lookUntil(here: Here, isFound: () => Promise<boolean>, stop: AbortSignal): Promise<void> {
  const { clock, lookEveryMs = LOOK_EVERY_MS } = here
  while (!stop.aborted && !(await isFound().catch(() => false))) await clock.sleep(lookEveryMs, stop).catch(() => {})
}
