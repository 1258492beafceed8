import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import { noWishes, type Wishes, waitingRewind } from '../checkpoint/wishes.ts'
import { type OpenStream, withDeadline } from '../pipeline/delivery.ts'
import { type PipelineParts, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort, whenAborted } from '../runtime/abort.ts'
import { isTransient } from '../runtime/connector-error.ts'
import type { Version, VersionedObject } from '../storage/versioned-object.ts'
import type { OpenParts } from './open/open-parts.ts'
import { openStream } from './open/open-stream.ts'

/** How a try to open a stream, or to go on with an open one, ended. */
export type TryEnd =
  /** `left`: `leave` has aborted. `changed`: another process has written what is wished, so the stream is opened again. */
  | { readonly kind: 'left' | 'changed' | 'paused' | 'caught-up' }
  /** `madeProgress`: the checkpoint moved since the previous try, in this one or because it found a commit. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly madeProgress: boolean }

export interface SessionParts {
  readonly open: OpenParts
  readonly pipeline: PipelineParts
  /** How often the wishes are read; while a stream is paused or held, also the document. */
  readonly lookEveryMs: number
}

/** One stream while it is assigned here. A stream whose source fails stays open. */
export interface StreamSession {
  /**
   * Opens the stream, unless it is open, and copies pages until `leave` aborts or an operator wants something else.
   * Never rejects.
   */
  run(how: RunUntil): Promise<TryEnd>
  /** The wishes as read last. */
  wishes(): Wishes
  /** Waits until another process has changed the document or the wishes, at most until `stop` aborts. Never rejects. */
  untilChanged(stop: AbortSignal): Promise<void>
  /** `left`: no other replica takes the stream; an open one is saved without an owner. Rejects if that fails. */
  close(as: 'left' | 'moved'): Promise<void>
}

interface RunUntil {
  readonly leave: AbortSignal
  /** Whether the stream is given up for good, not to another replica. */
  readonly isStopping: () => boolean
  /** The stream was opened, or a page of it was read. */
  readonly onOpen: () => void
}

/** `compose` is called once; if it throws, the try fails, and the next one calls it again. */
export function streamSession(compose: () => SessionParts): StreamSession {
  const session: Session = {
    composed: undefined,
    version: undefined,
    opened: undefined,
    epoch: undefined,
    hasAdvanced: progressCheck(),
  }
  return {
    run: (how) => run(session, compose, how),
    wishes: () => session.composed?.open.wishes.current() ?? noWishes,
    untilChanged: async (stop) => {
      if (session.composed === undefined) await whenAborted(stop)
      else await untilChanged(session.composed, session.version, stop)
    },
    close: async (as) => {
      try {
        if (as === 'left') await leave(session)
      } finally {
        await close(session)
      }
    },
  }
}

interface Session {
  composed: SessionParts | undefined
  /** The version of the document that was read or written last; null: there was none. Undefined: not read yet. */
  version: Version | null | undefined
  opened: OpenStream | undefined
  /** Of the last claim, as long as nothing but a transient failure has followed. */
  epoch: number | undefined
  readonly hasAdvanced: (checkpoint: StreamCheckpoint) => boolean
}

/** A pause or a hold lasts until another process has replaced the version on which it was decided. */
function remembering(session: Session, parts: SessionParts): SessionParts {
  const { object } = parts.open
  const remembered: VersionedObject = {
    read: async (stop) => {
      const stored = await object.read(stop)
      session.version = stored?.version ?? null
      return stored
    },
    write: async (text, expected, finish) => {
      const outcome = await object.write(text, expected, finish)
      if (outcome.kind === 'written') session.version = outcome.version
      return outcome
    },
  }
  return { ...parts, open: { ...parts.open, object: remembered } }
}

/** Invariant 6: also a stream whose source has failed is left without an owner. */
async function leave({ composed, opened }: Session): Promise<void> {
  if (composed === undefined || opened === undefined) return
  await withDeadline(composed.pipeline, (finish) => opened.checkpoint.leave(finish))
}

async function close(session: Session): Promise<void> {
  const { opened } = session
  session.opened = undefined
  if (opened !== undefined) await Promise.all([opened.producer.close(), opened.checkpoint.close()])
}

async function run(session: Session, compose: () => SessionParts, how: RunUntil): Promise<TryEnd> {
  const { leave } = how
  let madeProgress = () => false
  try {
    leave.throwIfAborted()
    session.composed ??= remembering(session, compose())
    const { open } = session.composed
    if (session.opened === undefined) {
      const stream = await openStream(open, leave, session.epoch)
      if (stream === 'paused') return { kind: stream }
      session.opened = stream
      const { checkpoint } = stream
      session.epoch = checkpoint.epoch
      const advancedAtOpening = session.hasAdvanced(checkpoint)
      madeProgress = () => session.hasAdvanced(checkpoint) || advancedAtOpening
      // A pause that was stored before the claim may be reported already: then nothing may be published.
      await look(open, checkpoint, leave)
      how.onOpen()
    }
    return await copy(session, { parts: session.composed, stream: session.opened }, how)
  } catch (error) {
    const progress = madeProgress()
    await close(session)
    // `giveUp` aborts only after `leave`: the successor delivers the unfinished page group.
    const isGivenUp = error === leave.reason || error === session.composed?.pipeline.giveUp.reason
    if (leave.aborted && isGivenUp) return { kind: 'left' }
    // After a hold, an operator may have replaced the checkpoint.
    if (!isTransient(error)) session.epoch = undefined
    return { kind: 'failed', error, madeProgress: progress }
  }
}

/** Copies pages until the stream ends, or an operator wants something else. */
async function copy(
  session: Session,
  { parts, stream }: { readonly parts: SessionParts; readonly stream: OpenStream },
  { leave, isStopping, onOpen }: RunUntil,
): Promise<TryEnd> {
  const { open, pipeline } = parts
  const { checkpoint } = stream
  using copying = linkedAbort(leave)
  const looking = untilWanted(parts, checkpoint, copying.signal).then(() => copying.abort())
  const end = await runPipeline(observed(pipeline, onOpen), stream, copying.signal).finally(() => copying.abort())
  await looking
  if (typeof end === 'object')
    return { kind: 'failed', error: end.error, madeProgress: session.hasAdvanced(checkpoint) }
  const { paused } = open.wishes.current()
  const kind = end === 'caught-up' ? end : leave.aborted ? 'left' : paused ? 'paused' : 'changed'
  // Invariant 6: the state is saved, without an owner if nobody else takes the stream.
  const isLeft = kind === 'paused' || kind === 'caught-up' || isStopping()
  if (isLeft) await withDeadline(pipeline, (finish) => checkpoint.leave(finish))
  else if (!checkpoint.isSaved()) await withDeadline(pipeline, (finish) => checkpoint.save(finish))
  await close(session)
  return { kind }
}

/** Calls `onPage` for each page that is read. */
function observed({ reader, ...pipeline }: PipelineParts, onPage: () => void): PipelineParts {
  const observe: Observe = (event) => {
    if (event.kind === 'page-read') onPage()
    reader.observe(event)
  }
  return { ...pipeline, reader: { ...reader, observe } }
}

/** Whether the stream is to stop, or to be opened again for a rewind. */
const isWanted = ({ wishes }: OpenParts, { rewound }: Pick<StreamCheckpoint, 'rewound'>) =>
  wishes.current().paused || waitingRewind({ rewound }, wishes.current()) !== undefined

/** Reads the wishes, and clears a rewind that was applied: if that fails, another look does. */
async function look(
  { wishes }: OpenParts,
  { rewound }: Pick<StreamCheckpoint, 'rewound'>,
  stop: AbortSignal,
): Promise<void> {
  await wishes.read(stop)
  await wishes.clear(rewound, stop).catch(() => {})
}

/** Resolves once an operator wants something else, or `stop` aborts. While the store does not answer, nothing changes. */
async function untilWanted(parts: SessionParts, checkpoint: StreamCheckpoint, stop: AbortSignal): Promise<void> {
  const { open, lookEveryMs } = parts
  while (!stop.aborted && !isWanted(open, checkpoint)) {
    await open.clock.sleep(lookEveryMs, stop).catch(() => {})
    if (!stop.aborted) await look(open, checkpoint, stop).catch(() => {})
  }
}

/** Waits until the document has another version than `version`, or the wishes have changed. */
async function untilChanged(
  { open, lookEveryMs }: SessionParts,
  version: Session['version'],
  stop: AbortSignal,
): Promise<void> {
  const { object, wishes, clock } = open
  const { id } = wishes.current()
  const isChanged = async () => {
    const stored = await object.read(stop)
    const isReplaced = version !== undefined && version !== (stored?.version ?? null)
    return (await wishes.read(stop)).id !== id || isReplaced
  }
  while (!stop.aborted) {
    if (await isChanged().catch(() => false)) return
    await clock.sleep(lookEveryMs, stop).catch(() => {})
  }
}

/** Reports whether the checkpoint has moved since the last call; false at the first call. */
function progressCheck(): (checkpoint: StreamCheckpoint) => boolean {
  let before: string | undefined
  return (checkpoint) => {
    const current = JSON.stringify([checkpoint.seq(), checkpoint.state().scans])
    const hasAdvanced = before !== undefined && current !== before
    before = current
    return hasAdvanced
  }
}
