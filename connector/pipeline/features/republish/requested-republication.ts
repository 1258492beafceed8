import { linkedAbort } from '../../../runtime/abort.ts'
import { nextRepublication, type Republication } from '../../../scan/republish.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import type { Reader } from '../../read/scan-trouble.ts'

/** The request to publish again that a scan is to begin with. */
export function requestedRepublication(reader: Reader): Republication | undefined {
  const { states, requests, processed, republished } = reader
  const open = requests.open().filter((request) => request.kind === 'republish')
  return nextRepublication(states, open, (id) => republished.has(id) || processed.hasEnded(id))
}

/** Waits for so long, or until there is a new request to publish again. Rejects with the reason of `stop`. */
export async function untilDue(reader: Reader, ms: number, stop: AbortSignal): Promise<void> {
  using waiting = linkedAbort(stop)
  const isRequested = () => requestedRepublication(reader) !== undefined
  // One that is known already waits for its turn.
  if (!isRequested()) void reader.requests.until(isRequested, waiting.signal).then(() => waiting.abort())
  try {
    await reader.clock.sleep(ms, waiting.signal)
  } catch (error) {
    if (stop.aborted) throw error
  } finally {
    waiting.abort()
  }
}

export function republishStarted({ id, requestedBy, wanted }: Republication, lastChanged: string): PipelineEvent {
  const clients = wanted.kind === 'all' ? undefined : wanted.keys.length
  return { kind: 'republish-started', request: id, requestedBy, lastChanged, clients }
}
