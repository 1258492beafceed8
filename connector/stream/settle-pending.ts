import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import type { OpenParts } from './open-parts.ts'
import { openStream } from './open-stream.ts'

/**
 * Opens a stream that is not going to run, only if its checkpoint has a pending state, whose commit record could
 * expire: the claim stores the state that is valid. Rejects as opening does.
 */
export async function settlePending(parts: OpenParts, stop: AbortSignal): Promise<void> {
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  if (stored === undefined || parseDocument(stored.text).pending === null) return
  const { producer, checkpoint } = await openStream(parts, stop)
  await Promise.all([producer.close(), checkpoint.close()])
}
