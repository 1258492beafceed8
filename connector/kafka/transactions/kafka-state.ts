import type { FoundRecord, KafkaState, OpenTransaction, TopicLayout } from '../../publish/event-publisher.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Topics } from '../admin/topics.ts'
import type { AdminParts } from '../kafka-connection.ts'
import { withCluster } from '../kafka-connection.ts'
import { publishError } from '../kafka-errors.ts'
import type { Cluster, CoordinatorFinder } from '../kafkajs/cluster.ts'
import { describeOpenTransactions, describeTopic } from '../kafkajs/newer-requests.ts'
import { END, leadersOf, offsetsOf } from '../reading/partition-reads.ts'
import { aclsOfRecord, fetchRecord, type RecordPlace } from './commit-record.ts'

interface StateRequest {
  readonly topics: Topics
  readonly place: RecordPlace
  /** Whose open transactions are read. */
  readonly producerIds: readonly string[]
  readonly finder: CoordinatorFinder | undefined
}

/**
 * Reads a stream's state over one connection. Rejects with `publish.*`, `checkpoint.unknown-format` or the reason of
 * `stop`.
 */
export function readKafkaState(parts: AdminParts, request: StateRequest, stop: AbortSignal): Promise<KafkaState> {
  const { topics, place } = request
  const work = async (cluster: Cluster): Promise<KafkaState> => {
    const found = await foundRecord(cluster, request)
    const topicId = await writableTopic(cluster, topics.events)
    await writableTopic(cluster, topics.deadLetters)
    const open = await openTransactions(cluster, request)
    const destination = { clusterId: topics.clusterId, ...topics.events, topicId }
    return { destination, found, open, isEmpty: await isEmpty(cluster, topics.events) }
  }
  return withCluster(parts, { operation: `read the state of ${place.group}`, needs: {}, work }, stop)
}

/**
 * Returns the topic id. Rejects if this user may not write to the topic: on the dead-letter topic, this would otherwise
 * show only with the first dead letter.
 */
async function writableTopic(cluster: Cluster, { topic }: TopicLayout): Promise<string> {
  const described = await describeTopic(await cluster.findControllerBroker(), topic)
  if (described.isWritable) return described.id
  throw new ConnectorError('publish.unauthorized', `open topic ${topic}: the ACL WRITE on topic ${topic} is missing`)
}

async function foundRecord(
  cluster: Cluster,
  { place, finder }: Pick<StateRequest, 'place' | 'finder'>,
): Promise<FoundRecord> {
  try {
    return await fetchRecord(cluster, place, finder)
  } catch (error) {
    throw publishError(`read the commit record of group ${place.group}`, error, aclsOfRecord(place))
  }
}

/** By the end offsets: where retention has removed every record, a topic is not empty. */
async function isEmpty(cluster: Cluster, layout: TopicLayout): Promise<boolean> {
  const leaders = await leadersOf(cluster, layout)
  const ends = await Promise.all(leaders.map((led) => offsetsOf(led, END)))
  return ends.every((offsets) => [...offsets.values()].every((end) => end === 0n))
}

async function openTransactions(cluster: Cluster, { topics, producerIds }: StateRequest): Promise<OpenTransaction[]> {
  if (producerIds.length === 0) return []
  const open: OpenTransaction[] = []
  for (const topic of [topics.events, topics.deadLetters]) open.push(...(await openIn(cluster, topic)))
  return open.filter(({ producerId }) => producerIds.includes(producerId))
}

async function openIn(cluster: Cluster, layout: TopicLayout): Promise<OpenTransaction[]> {
  const { topic } = layout
  try {
    const leaders = await leadersOf(cluster, layout)
    const open = await Promise.all(leaders.map(({ broker, ...led }) => describeOpenTransactions(broker, led)))
    return open.flat().map((transaction) => ({ topic, ...transaction }))
  } catch (error) {
    throw publishError(`find hanging transactions in ${topic}`, error, {
      TOPIC_AUTHORIZATION_FAILED: `READ on topic ${topic}`,
    })
  }
}
