import { noWishes, type Wishes, waitingRewind } from '../checkpoint/wishes.ts'
import { type OpenStream, withDeadline } from '../pipeline/delivery.ts'
import { type PipelineParts, type ReadFailure, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe, StreamState } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { Version } from '../storage/checkpoint-store.ts'
import { type NextTries, nextTries, type TryPauses } from './next-try.ts'
import { openStream } from './open-stream.ts'
import type { OpenParts, PausedStream } from './read-stored.ts'
import type { Assignment } from './run-streams.ts'

/** What a stream works with while it is assigned here. */
export interface StreamParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
  /** How often the wishes are read; while the stream is paused or held, also the document. */
  readonly lookEveryMs: number
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
  /** Called once while the stream is assigned here; if it throws, the try fails, and the next one calls it again. */
  readonly compose: (of: ComposeFor) => StreamParts
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

type Enter = (state: StreamState) => void

/** Reports each change of the state. */
function streamStates({ observe }: Pick<RunParts, 'observe'>): Enter {
  let was: StreamState = 'waiting'
  return (state) => {
    if (state !== was) observe({ kind: 'stream-state', state, was })
    was = state
  }
}

/** A stream while it is assigned here. One whose source fails stays open. */
interface Here extends Omit<RunParts, 'compose'> {
  readonly enter: Enter
  readonly tries: NextTries
  readonly compose: () => StreamParts
  /** The stream is to end here. */
  readonly leave: AbortSignal
  /** Whether no other replica takes the stream. */
  readonly isGivenUp: () => boolean
  composed: StreamParts | undefined
  opened: OpenStream | undefined
}

/** Undefined: it is assigned here no longer. */
async function runAssigned(parts: RunParts, enter: Enter, stop: AbortSignal): Promise<StreamEnd | undefined> {
  const { stream, assignment, clock } = parts
  using leave = linkedAbort(stop)
  const moving = assignment
    .until(() => !assignment.isAssigned(stream), leave.signal)
    .then(() => leave.abort(new DOMException('moved', 'AbortError')))
  using grace = graceAfter(leave.signal, parts.finishWithinMs, clock)
  const { signal: giveUp } = grace
  const closing = closeStack()
  const tries = nextTries(clock, parts.pauses)
  const observe: Observe = (event) => {
    if (event.kind === 'page-read') enter('running')
    if (event.kind === 'pages-published') tries.progress()
    parts.observe(event)
  }
  let end: StreamEnd | undefined
  const compose = () => parts.compose({ closing, giveUp, observe })
  const isGivenUp = () => stop.aborted || end !== undefined
  const unopened = { composed: undefined, opened: undefined }
  const here: Here = { ...parts, ...unopened, enter, tries, compose, leave: leave.signal, isGivenUp }
  enter('opening')
  while (end === undefined && !leave.signal.aborted) end = await tryAndWait(here)
  leave.abort()
  await moving
  if (here.opened !== undefined) await tryAndWait(here) // saves it
  await close(here)
  await closing.close().catch((error: unknown) => observe({ kind: 'stream-failed', code: codeOf(error), error }))
  return stop.aborted ? (end ?? { kind: 'stopped' }) : end
}

/** Opens the stream and copies pages; waits until that may be tried again. Returns how the run ends if it is not. */
async function tryAndWait(here: Here): Promise<StreamEnd | undefined> {
  const { leave, enter, whenHeld } = here
  const tried = await openAndCopy(here).catch(async (error: unknown) => {
    await close(here)
    return { error }
  })
  if (tried === 'caught-up') return { kind: tried }
  if (typeof tried === 'object') {
    if ('error' in tried) return await afterFailure(here, tried.error)
    reportPause(here)
    if (whenHeld === 'ends') return { kind: 'paused' }
    await untilChanged(here, leave, tried.pausedAt)
  }
  if (!leave.aborted && !wishesOf(here).paused) enter('opening')
  return undefined
}

/** `stopped`: the stream is to end here, or an operator wants something else. After a `ReadFailure` it is still open. */
async function openAndCopy(here: Here): Promise<'stopped' | 'caught-up' | PausedStream | ReadFailure> {
  const { leave, enter } = here
  here.composed ??= here.compose()
  const { open, pipeline } = here.composed
  if (here.opened === undefined) {
    const stream = await openStream(open, leave)
    if ('pausedAt' in stream) return stream
    here.opened = stream
    // A pause that was stored before the claim may be reported already: then nothing may be published.
    await look(here, leave)
    enter('running')
  }
  const end = leave.aborted || isWanted(here) ? 'stopped' : await copyUntilWanted(here, pipeline, here.opened)
  if (typeof end === 'object') return end
  const { checkpoint } = here.opened
  const isOwned = end === 'stopped' && !wishesOf(here).paused && !here.isGivenUp()
  // Invariant 6: the state is saved, without an owner if no other replica takes the stream.
  if (!isOwned) await withDeadline(pipeline, checkpoint.leave)
  else if (!checkpoint.isSaved()) await withDeadline(pipeline, checkpoint.save)
  await close(here)
  return end
}

async function copyUntilWanted(here: Here, pipeline: PipelineParts, opened: OpenStream) {
  using copying = linkedAbort(here.leave)
  const { signal } = copying
  const isFound = async () => {
    await look(here, signal)
    return isWanted(here)
  }
  const looking = lookUntil(here, isFound, signal).then(() => copying.abort())
  try {
    return await runPipeline(pipeline, opened, signal)
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
  const { composed, tries, whenHeld, assignment, clock, leave, enter, observe } = here
  // `giveUp` aborts only after `leave`: the successor delivers the unfinished page group.
  if (leave.aborted && (error === leave.reason || error === composed?.pipeline.giveUp.reason)) return undefined
  const code = codeOf(error)
  const { kind, pauseMs, times, isRepeated } = tries.after(error)
  if (kind === 'hold' && whenHeld === 'ends') {
    observe({ kind: 'stream-failed', code, error })
    return { kind: 'held', error }
  }
  const isPaused = wishesOf(here).paused && kind !== 'fenced'
  if (isPaused) {
    reportPause(here)
    observe({ kind: 'pause-unsettled', code, error })
  } else if (kind === 'hold') {
    enter('held')
    observe({ kind: isRepeated ? 'stream-still-held' : 'stream-held', code, error, pauseMs })
  } else {
    enter('retrying')
    if (kind === 'retry') observe({ kind: 'stream-retrying', code, error, pauseMs, attempt: times, isRepeated })
    else observe({ kind: 'stream-lost', error, wasStopping: leave.aborted, fences: times, pauseMs })
  }
  // A newer assignment, or a change of what is stored, ends the wait.
  const before = assignment.generation()
  using wait = clock.deadline(pauseMs, leave)
  if (isPaused || kind === 'hold') await untilChanged(here, wait.signal)
  else await assignment.until(() => assignment.generation() !== before, wait.signal)
  return undefined
}

function reportPause(here: Here): void {
  const { reason, by: requestedBy, at: requestedAt } = wishesOf(here)
  here.enter('paused')
  here.observe({ kind: 'stream-paused', reason, requestedBy, requestedAt })
}

/** As read last. */
const wishesOf = ({ composed }: Here): Wishes => composed?.open.wishes.current() ?? noWishes

/** Whether the stream is to stop, or to be opened again for a rewind. */
function isWanted(here: Here): boolean {
  const wishes = wishesOf(here)
  return wishes.paused || waitingRewind(here.opened?.checkpoint, wishes) !== undefined
}

/** Reads the wishes, and clears a rewind that was applied: if that fails, another look does. */
async function look({ composed, opened }: Here, stop: AbortSignal): Promise<void> {
  await composed?.open.wishes.read(stop)
  await composed?.open.wishes.clear(opened?.checkpoint.rewound ?? null, stop).catch(() => {})
}

/** Waits until another process has changed the document or the wishes, or `stop` aborts. `known`: since this version. */
async function untilChanged(here: Here, stop: AbortSignal, known?: Version | null): Promise<void> {
  const { id } = wishesOf(here)
  let version = known
  const isFound = async () => {
    const stored = await here.composed?.open.object.read(stop)
    const now = stored?.version ?? null
    if (version === undefined) version = now
    await look(here, stop)
    return now !== version || wishesOf(here).id !== id
  }
  await lookUntil(here, isFound, stop)
}

/** Looks again and again until something is found, or `stop` aborts. While the store does not answer, nothing is. */
async function lookUntil({ composed, clock }: Here, isFound: () => Promise<boolean>, stop: AbortSignal): Promise<void> {
  const everyMs = composed?.lookEveryMs ?? Number.POSITIVE_INFINITY
  while (!stop.aborted && !(await isFound().catch(() => false))) await clock.sleep(everyMs, stop).catch(() => {})
}
