import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import { markOf, resolve, type Truth } from '../checkpoint/resolve.ts'
import { eventSource, sequenceOf } from '../event/client-event.ts'
import type { Fate, FoundNote, PublisherSession } from '../publish/event-publisher.ts'
import type { OpenParts } from './open-stream.ts'

export type FoundTruth = Exclude<Truth, { kind: 'unclear' }>

/** Which state is true, once all others are fenced; looks at the events themselves where the note does not tell. Rejects with `publish.*` or the reason of `stop`. */
export async function findTruth(
  { identity, clock, offsetsRetentionMs: retentionMs }: OpenParts,
  found: { session: PublisherSession; document: CheckpointDocument | undefined; note: FoundNote },
  stop: AbortSignal,
): Promise<FoundTruth> {
  const { session, document } = found
  const known = { ...found.note, now: clock.now(), retentionMs }
  const truth = resolve(document, known)
  if (truth.kind !== 'unclear') return truth
  const source = sourceOf(identity)
  const ofDocument = (value: string) => document && markOf(document, sequenceOf(value, source))
  const sightings = await session.lookBack({ since: truth.since, markOf: ofDocument }, stop)
  const seen = resolve(document, { ...known, sightings })
  if (seen.kind === 'unclear') throw new Error('unclear in spite of what was seen')
  return seen
}

/** Invariants 1 and 2: what the truth knows, the first `count` events, is to be visible, and the others are to be gone for good, before anything is published. */
export function fateBy(identity: OpenParts['identity'], count: number): (value: string) => Fate {
  const source = sourceOf(identity)
  return (value) => {
    const sequence = sequenceOf(value, source)
    if (sequence === undefined) return 'foreign'
    return sequence < count ? 'decided' : 'undecided'
  }
}

const sourceOf = ({ connector, stream }: OpenParts['identity']) => eventSource(connector, stream)
