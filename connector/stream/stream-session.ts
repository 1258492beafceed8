import type { StreamCheckpoint } from '../checkpoint/stream-checkpoint.ts'
import { noWishes, type Wishes, waitingRewind } from '../checkpoint/wishes.ts'
import { type OpenStream, withDeadline } from '../pipeline/delivery.ts'
import { type PipelineParts, runPipeline } from '../pipeline/pipeline.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort, whenAborted } from '../runtime/abort.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import type { Version, VersionedObject } from '../storage/checkpoint-store.ts'
import type { OpenParts } from './open/open-parts.ts'
import { openStream } from './open/open-stream.ts'

/** How a try to open a stream, or to go on with an open one, ended. */
export type TryEnd =
  /** `left`: `leave` has aborted. `changed`: another process has written what is wished, so the stream is opened again. */
  { readonly kind: 'left' | 'changed' | 'paused' | 'caught-up' } | { readonly kind: 'failed'; readonly error: unknown }

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
  /** Pages count as done. */
  readonly onProgress: () => void
}

/** `compose` is called once; if it throws, the try fails, and the next one calls it again. */
export function streamSession(compose: (closing: CloseStack) => SessionParts): StreamSession {
  const closing = closeStack()
  const session: Session = {
    compose: () => compose(closing),
    composed: undefined,
    version: undefined,
    opened: undefined,
  }
  return {
    run: (how) => run(session, how),
    wishes: () => session.composed?.open.wishes.current() ?? noWishes,
    untilChanged: async (stop) => {
      if (session.composed === undefined) await whenAborted(stop)
      else await untilChanged(session.composed, session.version, stop)
    },
    close: async (as) => {
      try {
        if (as === 'left') await settle(session, 'left')
      } finally {
        await close(session)
        await closing.close()
      }
    },
  }
}

interface Session {
  readonly compose: () => SessionParts
  composed: SessionParts | undefined
  /** The version of the document that was read or written last; null: there was none. Undefined: not read yet. */
  version: Version | null | undefined
  opened: OpenStream | undefined
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

/** Invariant 6: the state is saved, without an owner if no other replica takes the stream. */
async function settle({ composed, opened }: Session, as: 'left' | 'moved'): Promise<void> {
  if (composed === undefined || opened === undefined) return
  const { checkpoint } = opened
  if (as === 'left') await withDeadline(composed.pipeline, checkpoint.leave)
  else if (!checkpoint.isSaved()) await withDeadline(composed.pipeline, checkpoint.save)
}

async function close(session: Session): Promise<void> {
  const { opened } = session
  session.opened = undefined
  if (opened !== undefined) await Promise.all([opened.producer.close(), opened.checkpoint.close()])
}

async function run(session: Session, how: RunUntil): Promise<TryEnd> {
  const { leave, onOpen } = how
  try {
    leave.throwIfAborted()
    session.composed ??= remembering(session, session.compose())
    const { open } = session.composed
    if (session.opened === undefined) {
      const stream = await openStream(open, leave)
      if (stream === 'paused') return { kind: stream }
      session.opened = stream
      // A pause that was stored before the claim may be reported already: then nothing may be published.
      await look(open, stream.checkpoint, leave)
      onOpen()
    }
    return await copy(session, { parts: session.composed, stream: session.opened }, how)
  } catch (error) {
    await close(session)
    // `giveUp` aborts only after `leave`: the successor delivers the unfinished page group.
    const isGivenUp = error === leave.reason || error === session.composed?.pipeline.giveUp.reason
    return leave.aborted && isGivenUp ? { kind: 'left' } : { kind: 'failed', error }
  }
}

/** Copies pages until the stream ends, or an operator wants something else. */
async function copy(
  session: Session,
  { parts, stream }: { readonly parts: SessionParts; readonly stream: OpenStream },
  how: RunUntil,
): Promise<TryEnd> {
  const { leave, isStopping } = how
  using copying = linkedAbort(leave)
  if (isWanted(parts.open, stream.checkpoint)) copying.abort()
  const looking = untilWanted(parts, stream.checkpoint, copying.signal).then(() => copying.abort())
  const end = await runPipeline(observed(parts.pipeline, how), stream, copying.signal).finally(() => copying.abort())
  await looking
  if (typeof end === 'object') return { kind: 'failed', error: end.error }
  const { paused } = parts.open.wishes.current()
  const kind = end === 'caught-up' ? end : leave.aborted ? 'left' : paused ? 'paused' : 'changed'
  await settle(session, kind === 'paused' || kind === 'caught-up' || isStopping() ? 'left' : 'moved')
  await close(session)
  return { kind }
}

function observed({ reader, ...pipeline }: PipelineParts, { onOpen, onProgress }: RunUntil): PipelineParts {
  const observe: Observe = (event) => {
    if (event.kind === 'page-read') onOpen()
    if (event.kind === 'pages-published') onProgress()
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
