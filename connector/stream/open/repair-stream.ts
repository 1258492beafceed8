import type { OpenTransaction, StreamProducer } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { OpenParts } from './open-parts.ts'

interface Repair {
  readonly producer: StreamProducer
  /** What our producers have open after the fence: it has lost its markers. */
  readonly open: readonly OpenTransaction[]
  /** Whether it was decided: its events were sent after their state was prepared, so it is that of `pending`. */
  readonly isDecided: boolean
  /** Rejects if the document was replaced since it was read: the transaction may be that of its successor. */
  readonly mustBeCurrent: () => Promise<void>
}

/**
 * Runs before anything is published. Invariants 1 and 2: a hanging transaction of the resolved state is committed, any
 * other is aborted.
 */
export async function repairStream(
  { observe }: Pick<OpenParts, 'observe'>,
  { producer, open, isDecided, mustBeCurrent }: Repair,
  stop: AbortSignal,
): Promise<void> {
  const [former] = open.filter(({ producerId }) => producerId !== producer.producerId)
  if (former !== undefined) throw hangingTransaction(former, { open, isDecided })
  if (open.length === 0) return
  await mustBeCurrent()
  const as = isDecided ? 'committed' : 'aborted'
  await producer.repairTransactions({ hanging: open, as }, stop)
  observe({ kind: 'transactions-repaired', partitions: open.length, as })
}

/** A producer with another id cannot end it. */
function hangingTransaction(
  { producerId }: OpenTransaction,
  { open, isDecided }: Pick<Repair, 'open' | 'isDecided'>,
): ConnectorError {
  const places = open
    .filter((transaction) => transaction.producerId === producerId)
    .map(({ topic, partition, startOffset }) => `${topic} partition ${partition} offset ${startOffset}`)
  // Invariants 1, 2: an abort of a decided transaction would withdraw events that count as published.
  const cure = isDecided ? 'it was decided, commit it' : 'it was not decided, abort it'
  return new ConnectorError(
    'publish.hanging-transaction',
    `open stream: hanging transaction of the former producer id ${producerId} in ${places.join(', ')}: ${cure}`,
  )
}
