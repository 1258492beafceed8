import { ConnectorError } from '../runtime/connector-error.ts'
import type { Fate } from './event-publisher.ts'
import { type HangingRecords, readHanging } from './hanging-records.ts'
import { type Cluster, clusterOf, TRANSACTION_COORDINATOR } from './kafka-cluster.ts'
import { withConnection } from './kafka-session.ts'
import type { TransactionalSession } from './transactional-session.ts'

/** See the port. The session is this stream's only one: what is open in the topic under its producer id, nobody else can end. */
export async function settle(
  session: TransactionalSession,
  fateOf: (value: string) => Fate,
  stop: AbortSignal,
): Promise<void> {
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
async function endIn(
  session: TransactionalSession,
  { as, partitions }: { as: 'aborted' | 'committed'; partitions: readonly HangingRecords[] },
  stop: AbortSignal,
): Promise<never> {
  const { identity, names, topics } = session
  const { topic } = topics.events
  const { transactionalId } = names
  const end = async (cluster: Cluster) => {
    const of = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
    const coordinator = await cluster.findGroupCoordinator(of)
    const added = [{ topic, partitions: partitions.map(({ partition }) => partition) }]
    await coordinator.addPartitionsToTxn({ transactionalId, ...identity, topics: added })
    await coordinator.endTxn({ transactionalId, ...identity, transactionResult: as === 'committed' })
  }
  const operation = `end what hangs in ${partitions.length} partitions of ${topic} as ${as}`
  await withConnection(session, { operation, open: clusterOf, work: end }, stop)
  throw new ConnectorError('publish.failed', `${operation}: done, the stream is opened again`)
}
