import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { isPauseKnown, writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import { withSeenControl } from '../../checkpoint/transitions.ts'
import { mustBelong, type OpenParts } from './open-parts.ts'
import { openStream } from './open-stream.ts'

/**
 * For a stream that is not going to run. Opens it only if its checkpoint has a pending state, whose commit record could
 * expire: the claim stores the state that is valid. Otherwise stores the pause, if the checkpoint does not have it,
 * and fences no other process: the stream may be held. Rejects as opening does.
 */
export async function settlePending(parts: OpenParts, stop: AbortSignal): Promise<void> {
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  if (stored === undefined) return
  const document = parseDocument(stored.text)
  if (document.pending !== null) {
    const { producer, checkpoint } = await openStream(parts, stop)
    await Promise.all([producer.close(), checkpoint.close()])
    return
  }
  if (isPauseKnown(document, parts)) return
  mustBelong(parts, document)
  const paused = withSeenControl({ ...document, nonce: parts.newNonce() }, parts.seenControl?.())
  await writeDocument(parts, { document: paused, expected: stored.version }, stop)
}
