import { publishedEvents } from '../../checkpoint/mismatch.ts'
import { streamCheckpoint } from '../../checkpoint/stream-checkpoint.ts'
import type { OpenStream } from '../../pipeline/delivery.ts'
import { type OpenOptions, withoutCheckpoint } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { claimStream } from './claim-stream.ts'
import type { OpenParts } from './open-parts.ts'
import { mayRestart, type ReadStored, readStored } from './read-stored.ts'

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
  const producer = await parts.publisher.open(openingOf(read), stop)
  try {
    const claim = await claimStream(parts, read, producer, stop)
    mustBeAssigned(parts)
    return { producer, checkpoint: streamCheckpoint(claim, parts) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

function mustBeAssigned({ isAssigned }: OpenParts): void {
  if (!isAssigned()) throw new ConnectorError('publish.fenced', 'open stream: not assigned to this replica')
}

/** What a rewind replaces may be in another cluster, and its topic lost. */
function openingOf(read: ReadStored): OpenOptions {
  const { document } = read
  if (document === undefined || mayRestart(read)) return withoutCheckpoint
  const { clusterId } = document.destination
  return { ...withoutCheckpoint, publishedEvents: publishedEvents(document), clusterId }
}
