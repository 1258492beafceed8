import { type CheckpointDocument, parseDocument, type StreamIdentity } from '../checkpoint/checkpoint-document.ts'
import { cures } from '../checkpoint/rewind.ts'
import type { CheckpointParts } from '../checkpoint/stream-checkpoint.ts'
import type { StoredStream } from '../checkpoint/transitions.ts'
import { type Hold, mismatch } from '../checkpoint/valid-state.ts'
import { type StreamWishes, seenAs, waitingRewind } from '../checkpoint/wishes.ts'
import { type ClientTable, clientTable } from '../index/client-table.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { EventPublisher } from '../publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import type { Semaphore } from '../runtime/semaphore.ts'
import type { SourceTime } from '../source/client-source.ts'
import type { Version } from '../storage/checkpoint-store.ts'

export interface OpenParts extends CheckpointParts {
  readonly identity: Omit<StreamIdentity, 'destination'>
  /** The name of the events topic. */
  readonly topic: string
  /** The stream's configured beginning; a stream without a checkpoint needs one. */
  readonly beginAt: SourceTime | undefined
  /** `shared`: the stream may start in a topic that has records of other writers. */
  readonly topicUse: 'exclusive' | 'shared'
  /** Resolves when the checkpoint store is known to support conditional writes. */
  readonly storeReady: (stop: AbortSignal) => Promise<void>
  readonly wishes: StreamWishes
  readonly publisher: EventPublisher
  /** Limits concurrent openings: each needs connections and round trips. */
  readonly openLimit: Semaphore
  /** The name of this replica. */
  readonly owner: string
  /** The present assignment of the stream. It may be outdated; the claim and the transactional id ensure safety. */
  readonly isAssigned: () => boolean
  readonly observe: Observe
}

/** What an opening has read before it fences its predecessor. */
export interface ReadStored extends StoredStream {
  /** Null: there is no document. */
  readonly version: Version | null
  /** Whether the rewind cures a hold with this code. */
  readonly isCured: (code: ErrorCode) => boolean
}

/**
 * Reads the document, then the wishes, then the index, unless nothing is left to do for a paused stream. Rejects with
 * `checkpoint.*`, `storage.*` or the reason of `stop`.
 */
export async function readStored(parts: OpenParts, stop: AbortSignal): Promise<ReadStored | 'paused'> {
  const { identity, topic, object, wishes, index } = parts
  const stored = await object.read(stop)
  const { paused, rewind } = await wishes.read(stop)
  const version = stored?.version ?? null
  const seen = seenAs(stored)
  const isCured = (code: ErrorCode) => rewind !== null && cures(rewind, code, seen)
  let document: CheckpointDocument | undefined
  const read = (table: ClientTable, isLost: boolean): ReadStored => {
    return { version, document, table, rewind: waitingRewind(document, wishes.current()), isCured, isLost }
  }
  try {
    document = stored && parseDocument(stored.text)
    const wrong = document && mismatch(document, { ...identity, destination: { clusterId: null, topic } })
    if (wrong !== undefined) throw heldBy(wrong) // before anything is fenced or created
    await wishes.clear(document?.rewound ?? null, stop)
    const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
    if (paused && waitingRewind(document, wishes.current()) === undefined && isSettled) return 'paused'
    if (document === undefined) return read(clientTable(), false)
    const { nonce, committed } = document
    return read(await index.load({ nonce, index: committed.state.index }, stop), false)
  } catch (error) {
    // A segment may have been deleted by a replica that claimed the stream since: then the opening starts over.
    if (codeOf(error) === 'checkpoint.index-damaged') await mustNotHaveMoved(parts, version, stop)
    if (!isCured(codeOf(error))) throw error
    return read(clientTable(), true)
  }
}

export const heldBy = ({ code, why }: Hold) => new ConnectorError(code, `open stream: ${why}`)

/** Re-read first: a predecessor may have replaced the document just before it was fenced. */
export async function mustNotHaveMoved({ object }: OpenParts, version: Version | null, stop: AbortSignal) {
  const now = await object.read(stop)
  if ((now?.version ?? null) !== version) throw conflict()
}

export const conflict = () =>
  new ConnectorError('checkpoint.conflict', 'open stream: another process wrote the checkpoint at the same time')
