import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { Group } from './group.ts'
import type { OpenStream } from './open-stream.ts'

export type Delivery = 'exactly-once' | 'at-least-once'

/** Brings a group with records to Kafka and its change into the checkpoint. Rejects when it is not known that both are there: then the stream is opened again. */
export type Deliver = (group: Group, stream: OpenStream, finish: AbortSignal) => Promise<void>

/** S3 prepares, Kafka decides. */
const deliverExactlyOnce: Deliver = async (group, { session, checkpoint }, finish) => {
  await using transaction = session.begin(finish) // aborts unless committed: an open one blocks every reader
  const [note] = await bothOrNone(finish, (both) => [
    checkpoint.prepare(group.change, both),
    transaction.send(group.records),
  ])
  // Invariant 1, 2: every record is stored and the next state is in S3; ending the transaction makes both true, or neither.
  await transaction.commit(note)
  checkpoint.decided(group.after)
}

/** For clusters without transactional ids: what a crash in between makes again has the same event ids (invariant 7). */
const deliverAtLeastOnce: Deliver = async (group, { session, checkpoint }, finish) => {
  await using transaction = session.begin(finish)
  await transaction.send(group.records)
  await checkpoint.saveDelivered(group.after, finish)
  await transaction.commit({ epoch: 0, seq: checkpoint.seq(), nonce: '' })
}

export const deliverBy: Record<Delivery, Deliver> = {
  'exactly-once': deliverExactlyOnce,
  'at-least-once': deliverAtLeastOnce,
}

/** Runs both; the first failure asks the other to give up. */
async function bothOrNone<First, Second>(
  finish: AbortSignal,
  start: (both: AbortSignal) => [Promise<First>, Promise<Second>],
): Promise<[First, Second]> {
  const failed = new AbortController()
  try {
    return await Promise.all(start(AbortSignal.any([finish, failed.signal])))
  } catch (error) {
    failed.abort(error)
    throw error
  }
}

export interface DeliveryTime {
  readonly clock: Clock
  /** The deadline of one delivery. */
  readonly deliverWithinMs: number
  /** Aborts when the time that a stop may take is over. */
  readonly giveUp: AbortSignal
}

/** Runs one delivery; what is late becomes `storage.unavailable`, since Kafka's part has a code of its own. */
export async function withDeadline<Result>(
  time: DeliveryTime,
  deliver: (finish: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using deadline = time.clock.deadline(time.deliverWithinMs, time.giveUp)
  try {
    return await deliver(deadline.signal)
  } catch (error) {
    if (!deadline.signal.aborted || error !== deadline.signal.reason) throw error
    throw new ConnectorError('storage.unavailable', `write checkpoint: not done within ${time.deliverWithinMs} ms`, {
      cause: error,
    })
  }
}
