import { type CheckpointDocument, parseDocument, type StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import { mismatch } from '../checkpoint/resolve.ts'
import { writeDocument } from '../checkpoint/stream-checkpoint.ts'
import { beginning, type StreamState } from '../checkpoint/stream-state.ts'
import { committedByNote, firstDocument, setByOperator } from '../checkpoint/transitions.ts'
import type { FoundNote, Note, PublisherSession } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ReadArguments } from '../source/client-source.ts'
import { findTruth } from './find-truth.ts'
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
    const found = await session.readNote(stop)
    const identity = { ...parts.identity, destination: session.destination }
    const before = stored === undefined ? none : await truthOf(stored.text, { found, session, parts, identity }, stop)
    const after = rewritten(parts, { found: before, note: found.note, identity, to })
    await writeDocument(parts, { document: after, expected: stored?.version ?? null }, stop)
    return { before: before.kind === 'known' ? { kind: 'state', state: before.state } : before, after }
  } finally {
    await session.close()
  }
}

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'known'; readonly document: CheckpointDocument; readonly state: StreamState }
  /** `epoch`: of a document that can be read, though not believed. */
  | { readonly kind: 'unclear'; readonly why: string; readonly epoch?: number }

const none: Found = { kind: 'none' }

interface Finding {
  readonly found: FoundNote
  readonly session: PublisherSession
  readonly parts: OpenParts
  readonly identity: StreamIdentity
}

async function truthOf(text: string, { found, session, parts, identity }: Finding, stop: AbortSignal): Promise<Found> {
  const document = readableDocument(text)
  if (document instanceof ConnectorError) return { kind: 'unclear', why: document.message }
  const { epoch } = document.claim
  const wrong = mismatch(document, identity)
  if (wrong !== undefined) return { kind: 'unclear', why: wrong, epoch }
  const truth = await findTruth(parts, { session, document, note: found }, stop)
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
