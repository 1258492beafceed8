import type { StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { Resolution } from '../../checkpoint/resolve.ts'
import { writerOf } from '../../event/client-event.ts'
import type { EventPublisher } from '../../publish/event-publisher.ts'
import { linkedAbort } from '../../runtime/abort.ts'

/**
 * Who wrote the first record of the topic, which must exist: see `writerOf`. Undefined: it has no record. Rejects as
 * `readEvents` does.
 */
export async function firstWriter(
  publisher: Pick<EventPublisher, 'readEvents'>,
  stop: AbortSignal,
): Promise<string | undefined> {
  let found: string | undefined
  using reading = linkedAbort(stop)
  const enough = new Error('found a record')
  const onVisible = (writer: string) => {
    found ??= writer
    reading.abort(enough)
  }
  try {
    await publisher.readEvents({ find: writerOf, onVisible, onProgress: () => {} }, reading.signal)
  } catch (error) {
    if (error !== enough) throw error
  }
  return found
}

type Hold = Extract<Resolution, { kind: 'hold' }>

/** What holds a stream that has no checkpoint, if its topic has a record. Pure. */
export function heldByWriter(writer: string, { eventSource }: Pick<StreamIdentity, 'eventSource'>): Hold {
  const hold = (code: Hold['code'], why: string): Hold => ({ kind: 'hold', code, why })
  return writer === eventSource
    ? hold('checkpoint.missing', 'the checkpoint document is missing, but the topic has events of this stream')
    : hold('checkpoint.topic-in-use', `there is no checkpoint, but the topic has records of ${writer}`)
}
