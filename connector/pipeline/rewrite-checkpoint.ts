import { type CheckpointDocument, parseDocument, type StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import { mismatch, resolve } from '../checkpoint/resolve.ts'
import { writeDocument } from '../checkpoint/stream-checkpoint.ts'
import { beginning, type StreamState } from '../checkpoint/stream-state.ts'
import { committedByNote, firstDocument, setByOperator } from '../checkpoint/transitions.ts'
import type { Note } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ReadArguments } from '../source/client-source.ts'
import type { OpenParts } from './open-stream.ts'

/** What an operator's rewrite found and wrote. */
export interface Rewrite {
  /** What held before, or why nobody can tell. */
  readonly before:
    | { readonly kind: 'state'; readonly state: StreamState }
    | { readonly kind: 'none' }
    | { readonly kind: 'unclear'; readonly why: string }
  readonly after: CheckpointDocument
}

/**
 * Opens the stream like a replica, which fences a running one, and writes where it goes on, whatever stood there before: next epoch,
 * empty window (so that what is read again is published again), the count of events kept where it is known.
 */
export async function rewriteCheckpoint(parts: OpenParts, to: ReadArguments, stop: AbortSignal): Promise<Rewrite> {
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  const session = await parts.publisher.open(stop)
  try {
    const note = await session.readNote(stop)
    const identity = { ...parts.identity, destination: session.destination }
    const found = stored === undefined ? { kind: 'none' as const } : truthOf(stored.text, { note, parts, identity })
    const after = rewritten(parts, { found, note, identity, to })
    await writeDocument(parts, { document: after, expected: stored?.version ?? null }, stop)
    return { before: found.kind === 'known' ? { kind: 'state', state: found.state } : found, after }
  } finally {
    await session.close()
  }
}

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'known'; readonly document: CheckpointDocument; readonly state: StreamState }
  /** `epoch`: of a document that can be read, though not believed. */
  | { readonly kind: 'unclear'; readonly why: string; readonly epoch?: number }

function truthOf(
  text: string,
  { note, parts, identity }: { note: Note | undefined; parts: OpenParts; identity: StreamIdentity },
): Found {
  const document = readableDocument(text)
  if (document instanceof ConnectorError) return { kind: 'unclear', why: document.message }
  const { epoch } = document.claim
  const wrong = mismatch(document, identity)
  if (wrong !== undefined) return { kind: 'unclear', why: wrong, epoch }
  const truth = resolve(document, note, { now: parts.clock.now(), retentionMs: parts.offsetsRetentionMs })
  if (truth.kind === 'stop') return { kind: 'unclear', why: truth.why, epoch }
  const committed = truth.kind === 'pending' ? committedByNote(document, parts.windowCapacity) : document.committed
  return { kind: 'known', document, state: committed.state }
}

function readableDocument(text: string): CheckpointDocument | ConnectorError {
  try {
    return parseDocument(text)
  } catch (error) {
    if (error instanceof ConnectorError) return error
    throw error
  }
}

interface RewriteFrom {
  readonly found: Found
  readonly note: Note | undefined
  readonly identity: StreamIdentity
  readonly to: ReadArguments
}

/** The operator's epoch is above every epoch that the document or the note knows, so that no older note speaks against it. */
export function rewritten(
  parts: Pick<OpenParts, 'newNonce' | 'owner'> & { clock: Pick<OpenParts['clock'], 'now'> },
  { found, note, identity, to }: RewriteFrom,
): CheckpointDocument {
  const stamp = { nonce: parts.newNonce(), at: parts.clock.now(), owner: parts.owner }
  const state = { ...beginning(to), events: found.kind === 'known' ? found.state.events : 0 }
  const base = found.kind === 'known' ? { ...found.document, ...identity } : firstDocument(identity, state, stamp)
  const unclearEpoch = found.kind === 'unclear' ? (found.epoch ?? 0) : 0
  const epoch = Math.max(base.claim.epoch, note?.epoch ?? 0, unclearEpoch)
  return setByOperator({ ...base, claim: { ...base.claim, epoch } }, state, stamp)
}
