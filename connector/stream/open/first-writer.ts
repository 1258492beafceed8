import type { StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import type { Resolution } from '../../checkpoint/resolve.ts'
import { type StoredEvent, writerOf } from '../../event/cloud-event/stored-event.ts'
import type { EventPublisher } from '../../publish/event-publisher.ts'
import { linkedAbort } from '../../runtime/abort.ts'

export type IsWriter = (writer: string) => boolean

/** Which writers hold a stream that has no checkpoint. Pure. */
export const writersThatHold = (use: 'exclusive' | 'shared', { eventSource }: NamedSource): IsWriter =>
  use === 'shared' ? (writer) => writer === eventSource : () => true

type NamedSource = Pick<StreamIdentity, 'eventSource'>

/**
 * The first such writer of a record in the topic, which must exist: see `writerOf`. Undefined: there is none. Rejects as
 * `readEvents` does.
 */
export async function firstWriter(
  publisher: Pick<EventPublisher, 'readEvents'>,
  isWanted: IsWriter,
  stop: AbortSignal,
): Promise<string | undefined> {
  let found: string | undefined
  using reading = linkedAbort(stop)
  const enough = new Error('found a record')
  const find = (record: StoredEvent) => {
    const writer = writerOf(record)
    return isWanted(writer) ? writer : undefined
  }
  const onVisible = (writer: string) => {
    found ??= writer
    reading.abort(enough)
  }
  try {
    await publisher.readEvents({ find, onVisible, onProgress: () => {} }, reading.signal)
  } catch (error) {
    if (error !== enough) throw error
  }
  return found
}

type Hold = Extract<Resolution, { kind: 'hold' }>

/** What holds a stream that has no checkpoint, if its topic has a record. Pure. */
export function heldByWriter(writer: string, { eventSource }: NamedSource): Hold {
  const hold = (code: Hold['code'], why: string): Hold => ({ kind: 'hold', code, why })
  return writer === eventSource
    ? hold('checkpoint.missing', 'the checkpoint document is missing, but the topic has events of this stream')
    : hold('checkpoint.topic-in-use', `there is no checkpoint, but the topic has records of ${writer}`)
}
