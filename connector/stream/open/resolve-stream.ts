import type { CheckpointDocument, StreamIdentity } from '../../checkpoint/checkpoint-document.ts'
import { mismatch } from '../../checkpoint/mismatch.ts'
import { type ValidState, validState } from '../../checkpoint/valid-state.ts'
import type { KafkaState, OpenTransaction, StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { OpenParts } from './open-parts.ts'

type Resolution = ValidState | { readonly kind: 'hold'; readonly code: ErrorCode; readonly why: string }

export interface ResolvedStream {
  readonly kafka: KafkaState
  readonly identity: StreamIdentity
  readonly resolution: Resolution
}

/** Determines which state is valid, once the previous producers are fenced. Rejects with `publish.*` or the reason of `stop`. */
export async function resolveStream(
  parts: Pick<OpenParts, 'identity' | 'clock' | 'topicUse'>,
  { producer, document }: { producer: StreamProducer; document: CheckpointDocument | undefined },
  stop: AbortSignal,
): Promise<ResolvedStream> {
  const kafka = await producer.readKafkaState({ formerProducerId: document?.producerId ?? null }, stop)
  const identity = { ...parts.identity, destination: kafka.destination }
  const mismatched = document && mismatch(document, identity)
  const resolution =
    mismatched === undefined ? resolvedBy(parts, document, kafka) : { kind: 'hold' as const, ...mismatched }
  return { kafka, identity, resolution }
}

/** By what was read through a producer, or without one. */
function resolvedBy(
  { clock, topicUse }: Pick<OpenParts, 'clock' | 'topicUse'>,
  document: CheckpointDocument | undefined,
  { found, isEmpty }: Pick<KafkaState, 'found' | 'isEmpty'>,
): ValidState {
  return validState(document, { found, mayBegin: isEmpty || topicUse === 'shared', now: clock.now() })
}

/**
 * Runs before anything is published. Invariants 1 and 2: a hanging transaction of the resolved state is committed, any
 * other is aborted. `mustBeCurrent` rejects if the document was replaced since it was read: its successor may be hanging.
 */
export async function repairStream(
  { observe }: Pick<OpenParts, 'observe'>,
  of: { producer: StreamProducer; document: CheckpointDocument | undefined; resolved: ResolvedStream },
  { mustBeCurrent, stop }: { mustBeCurrent: () => Promise<void>; stop: AbortSignal },
): Promise<void> {
  const { producer, resolved } = of
  const { resolution, kafka } = resolved
  const { open } = kafka
  const notOurs = open.filter(({ producerId }) => producerId !== producer.producerId)
  // Its events were sent after their state was prepared: it is that of `pending`.
  const as = resolution.kind === 'pending' ? 'committed' : 'aborted'
  if (notOurs.length > 0) throw hangingTransaction(notOurs, as)
  if (open.length === 0) return
  await mustBeCurrent()
  await producer.repairTransactions({ hanging: open, as }, stop)
  observe({ kind: 'transactions-repaired', partitions: open.length, as })
}

function hangingTransaction(open: readonly OpenTransaction[], as: 'committed' | 'aborted'): ConnectorError {
  const places = open.map(
    ({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`,
  )
  const [{ producerId } = { producerId: '' }] = open
  // Invariants 1, 2: an abort of a decided transaction would withdraw events that count as published.
  const cure = as === 'committed' ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${producerId} in ${places.join(', ')}: ${cure}`,
  )
}
