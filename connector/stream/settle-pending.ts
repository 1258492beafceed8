import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { isPauseKnown } from '../checkpoint/stream-checkpoint.ts'
import type { OpenParts } from './open-parts.ts'
import { openStream } from './open-stream.ts'

/**
 * Opens a stream that is not going to run, only if its checkpoint has a pending state, whose commit record could
 * expire, or does not have the pause: the claim stores the state that is valid. Rejects as opening does.
 */
export async function settlePending(parts: OpenParts, stop: AbortSignal): Promise<void> {
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  if (stored === undefined) return
  const document = parseDocument(stored.text)
  if (document.pending === null && isPauseKnown(document, parts)) return
  const { producer, checkpoint } = await openStream(parts, stop)
  await Promise.all([producer.close(), checkpoint.close()])
}
