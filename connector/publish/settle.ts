import { ConnectorError } from '../runtime/connector-error.ts'
import { noteOffsets } from './commit-note.ts'
import type { Fate, Note, Settlement } from './event-publisher.ts'
import { type HangingRecords, readHanging } from './hanging-records.ts'
import { withConnection } from './kafka-session.ts'
import {
  type Cluster,
  type Coordinator,
  clusterOf,
  GROUP_COORDINATOR,
  TRANSACTION_COORDINATOR,
} from './kafkajs/kafka-cluster.ts'
import type { ProducerIdentity } from './kafkajs/producer-identity.ts'
import type { TransactionalSession } from './transactional-session.ts'

/** See the port. The session is this stream's only one: what is open in the topic under its producer id, nobody else can end. */
export async function settle(
  session: TransactionalSession,
  { fateOf, note }: Settlement,
  stop: AbortSignal,
): Promise<void> {
  if (note !== undefined) await restoreNote(session, note, stop)
  const { topic } = session.topics.events
  const hanging = await readHanging(session, session.topics.events, stop)
  const having = (fate: Fate) => hanging.filter(({ values }) => values.some((value) => fateOf(value) === fate))
  const [decided, undecided] = [having('decided'), having('undecided')]
  const mixed = decided.filter((one) => undecided.includes(one))
  if (mixed.length > 0) throw endsLost(topic, mixed)
  // One kind at a time: the next opening sees to the other.
  if (undecided.length > 0) await endIn(session, { as: 'aborted', partitions: undecided }, stop)
  else if (decided.length > 0) await endIn(session, { as: 'committed', partitions: decided }, stop)
}

function endsLost(topic: string, partitions: readonly HangingRecords[]): ConnectorError {
  const places = partitions.map(({ partition, from }) => `partition ${partition} from offset ${from}`)
  return new ConnectorError(
    'publish.ends-lost',
    `open stream: events of a committed and of an aborted transaction hang together in ${topic}: ${places.join(', ')}`,
  )
}

/**
 * The end of a transaction ends all that its producer id has open in the partitions that were added to it: this one adds them, and holds
 * nothing itself. Rejects when that is done, too.
 */
function endIn(
  session: TransactionalSession,
  { as, partitions }: { as: 'aborted' | 'committed'; partitions: readonly HangingRecords[] },
  stop: AbortSignal,
): Promise<never> {
  const { topic } = session.topics.events
  const topics = [{ topic, partitions: partitions.map(({ partition }) => partition) }]
  const operation = `end what hangs in ${partitions.length} partitions of ${topic} as ${as}`
  const add = ({ coordinator, us }: Repairing) => coordinator.addPartitionsToTxn({ ...us, topics })
  return repair(session, { operation, add, isCommitted: as === 'committed' }, stop)
}

/** Likewise, for the partition that keeps the note. */
function restoreNote(session: TransactionalSession, note: Note | null, stop: AbortSignal): Promise<never> {
  const { group: groupId } = session.notePlace
  const operation = note === null ? `drop the note that hangs in group ${groupId}` : `restore the note of ${groupId}`
  const add = async ({ cluster, coordinator, us }: Repairing) => {
    await coordinator.addOffsetsToTxn({ ...us, groupId })
    if (note === null) return
    const keeper = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
    await keeper.txnOffsetCommit({ ...us, groupId, topics: noteOffsets(session.notePlace, note).topics })
  }
  return repair(session, { operation, add, isCommitted: note !== null }, stop)
}

interface Repairing {
  readonly cluster: Cluster
  /** Of our transactions. */
  readonly coordinator: Coordinator
  readonly us: ProducerIdentity & { readonly transactionalId: string }
}

async function repair(
  session: TransactionalSession,
  {
    operation,
    add,
    isCommitted,
  }: { operation: string; add: (repairing: Repairing) => Promise<unknown>; isCommitted: boolean },
  stop: AbortSignal,
): Promise<never> {
  const { transactionalId } = session.names
  const us = { transactionalId, ...session.identity }
  const work = async (cluster: Cluster) => {
    const of = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
    const coordinator = await cluster.findGroupCoordinator(of)
    await add({ cluster, coordinator, us })
    await coordinator.endTxn({ ...us, transactionResult: isCommitted })
  }
  await withConnection(session, { operation, open: clusterOf, work }, stop)
  throw new ConnectorError('publish.failed', `${operation}: done, the stream is opened again`)
}
