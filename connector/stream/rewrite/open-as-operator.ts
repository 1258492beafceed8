import type { CheckpointDocument, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { writeDocument } from '../../checkpoint/stream-checkpoint.ts'
import type { Claimant } from '../../checkpoint/transitions.ts'
import { type StreamProducer, withoutCheckpoint } from '../../publish/event-publisher.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { retry } from '../../runtime/retry.ts'
import { mustNotHaveMoved, type OpenParts, type StoredDocument } from '../open/open-parts.ts'
import { claimOf } from '../open/open-stream.ts'
import { type ResolvedStream, repairStream, resolveStream } from '../open/resolve-stream.ts'

/** A stream that an operator has opened: its replica is fenced, and no transaction lacks a marker. */
export interface OperatorOpening {
  readonly producer: StreamProducer
  readonly resolved: ResolvedStream
  readonly claim: Claimant & { readonly identity: StreamIdentity }
}

/** A replica that was fenced claims the stream again within seconds. */
const contention = { retries: 10, firstPauseMs: 200, maxPauseMs: 3_000, maxRetryAfterMs: 0 }

/** Repeats a rewrite as a whole if the document was replaced since it was read. */
export function startingOver<Result>(
  { clock }: Pick<OpenParts, 'clock'>,
  rewrite: () => Promise<Result>,
  stop: AbortSignal,
): Promise<Result> {
  const again = (error: unknown) => codeOf(error) === 'checkpoint.conflict'
  return retry(rewrite, { clock, policy: contention, again, onRetry: () => undefined }, stop)
}

interface Replacement<Result> {
  readonly read: StoredDocument
  readonly published: number
  readonly next: (opening: OperatorOpening) => Promise<Result>
}

/**
 * Opens the stream as a replica does: fences a running replica and repairs transactions without a marker. Then writes
 * the document `after` that `next` makes. Rejects with `checkpoint.conflict` if the one read before was replaced.
 */
export async function openAsOperator<Result extends { readonly after: CheckpointDocument }>(
  parts: OpenParts,
  { read, published, next }: Replacement<Result>,
  stop: AbortSignal,
): Promise<Result> {
  const { stored, document } = read
  const producer = await parts.publisher.open(
    { ...withoutCheckpoint, publishedEvents: published, missingTopics: 'rejected' },
    stop,
  )
  try {
    const resolved = await resolveStream(parts, { producer, document }, stop)
    const mustBeCurrent = () => mustNotHaveMoved(parts, stored, stop)
    await repairStream(parts, { producer, document, resolved }, { mustBeCurrent, stop })
    const result = await next({ producer, resolved, claim: claimOf(parts, producer, resolved.identity) })
    await writeDocument(parts, { document: result.after, expected: stored?.version ?? null }, stop)
    return result
  } finally {
    await producer.close()
  }
}
