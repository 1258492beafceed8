import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { cures } from '../../checkpoint/rewind.ts'
import { streamCheckpoint } from '../../checkpoint/stream-checkpoint.ts'
import { seenAs, waitingRewind } from '../../checkpoint/wishes.ts'
import { clientTable } from '../../index/client-table.ts'
import type { OpenStream } from '../../pipeline/delivery.ts'
import { withoutCheckpoint } from '../../publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { claimStream, type LoadedIndex, type ReadStored } from './claim-stream.ts'
import { mustBelong, mustNotHaveMoved, type OpenParts, openingOf } from './open-parts.ts'

/**
 * Opens a stream: check the assignment → read the document, then the wishes, then the index → fence → read the commit
 * record → resolve → repair transactions without a marker → claim against the version read first → check the assignment
 * again. The claim applies a rewind that waits. Resolves to `paused` if nothing is left to do for a stream that is.
 *
 * `test/simulation` checks this order over every interleaving. The document is not changed before the claim.
 */
export async function openStream(parts: OpenParts, stop: AbortSignal): Promise<OpenStream | 'paused'> {
  using _permit = await parts.openLimit.acquire(stop)
  mustBeAssigned(parts) // before fencing: a replica that has or may have lost the stream must not fence its owner
  await parts.storeReady(stop)
  const read = await readStored(parts, stop)
  if (read === 'paused') return read
  const loaded = await loadIndex(parts, read, stop) // before fencing: it may take a while
  const { document } = read
  // What a rewind replaces may be in another cluster, and its topic lost.
  const options = mayRestart(read) ? withoutCheckpoint : openingOf(document)
  const producer = await parts.publisher.open(options, stop)
  try {
    const claim = await claimStream(parts, { ...read, ...loaded }, producer, stop)
    mustBeAssigned(parts)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

/** The document, then the wishes. */
async function readStored(parts: OpenParts, stop: AbortSignal): Promise<ReadStored | 'paused'> {
  const stored = await parts.object.read(stop)
  const wishes = await parts.wishes.read(stop)
  const seen = seenAs(stored)
  const { rewind } = wishes
  const mayCure = (error: unknown) => rewind !== null && cures(rewind, codeOf(error), seen)
  let document: CheckpointDocument | undefined
  let lost: ErrorCode | undefined
  try {
    document = stored === undefined ? undefined : parseDocument(stored.text)
    mustBelong(parts, document) // before fencing, and before topics are created
  } catch (error) {
    if (!mayCure(error)) throw error
    lost = codeOf(error)
  }
  await parts.wishes.clear(document?.rewound ?? null, stop)
  const waiting = waitingRewind(document, wishes)
  const isSettled = document === undefined || (document.claim.owner === null && document.pending === null)
  if (wishes.paused && waiting === undefined && isSettled) return 'paused'
  return { stored, document, rewind: waiting, seen, lost }
}

/** Whether a rewind lets the stream begin again if its document or index is lost. */
const mayRestart = ({ rewind, seen }: ReadStored) =>
  rewind !== undefined && cures(rewind, 'checkpoint.topic-lost', seen)

function mustBeAssigned({ isAssigned }: OpenParts): void {
  if (!isAssigned()) throw new ConnectorError('publish.fenced', 'open stream: not assigned to this replica')
}

/** A segment may have been deleted by a replica that claimed the stream since: then the opening starts over. */
async function loadIndex(parts: OpenParts, read: ReadStored, stop: AbortSignal): Promise<LoadedIndex> {
  const { document, lost } = read
  if (document === undefined || lost !== undefined) return { table: clientTable(), lost }
  try {
    const { nonce, committed } = document
    const table = await parts.index.load({ nonce, index: committed.state.index }, stop)
    return { table, lost }
  } catch (error) {
    if (codeOf(error) !== 'checkpoint.index-damaged') throw error
    await mustNotHaveMoved(parts, read.stored, stop)
    if (!mayRestart(read)) throw error
    return { table: clientTable(), lost: codeOf(error) }
  }
}
