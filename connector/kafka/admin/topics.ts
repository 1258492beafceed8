import type { OpenOptions } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { Broker, Cluster, Topic } from '../cluster.ts'
import type { TopicConfig, TopicCreation } from '../kafka-config.ts'
import { hasKafkaError, publishError } from '../kafka-errors.ts'
import { fetchMetadata } from '../kafkajs/newer-requests.ts'

/** The topics of a stream, as they exist. */
export interface Topics {
  /** It is null if the brokers report no cluster id. */
  readonly clusterId: string | null
  readonly events: Topic
  readonly deadLetters: Topic
}

interface WaitParts {
  readonly clock: Clock
  readonly stop: AbortSignal
}

type TopicCluster = Pick<Cluster, 'findControllerBroker'>

/**
 * Reads the cluster id and the topics of a stream; creates missing ones if allowed. An events topic to which events
 * were published must never be created. Rejects with `publish.*` or `checkpoint.topic-lost`.
 */
export async function openTopics(
  cluster: TopicCluster,
  { config, hasPublished, clusterId: expected }: OpenOptions & { readonly config: TopicConfig },
  waiting: WaitParts,
): Promise<Topics> {
  const { clusterId } = await fetchMetadata(await cluster.findControllerBroker())
  if (expected !== null && clusterId !== null && clusterId !== expected) {
    const message = `open stream: the document belongs to Kafka cluster ${expected}, not to ${clusterId}`
    throw new ConnectorError('checkpoint.topic-lost', message)
  }
  const { create } = config
  const wanted = { topic: config.events, create: hasPublished ? undefined : create?.events, acl: 'WRITE' } as const
  const events = await ensureTopic(cluster, wanted, waiting).catch((error) => {
    throw hasPublished && codeOf(error) === 'publish.topic-missing' ? topicLostError(config.events) : error
  })
  const ofDeadLetters = { topic: config.deadLetters, create: create?.deadLetters, acl: 'WRITE' } as const
  const topics = { clusterId, events, deadLetters: await ensureTopic(cluster, ofDeadLetters, waiting) }
  mustBeWritable(topics)
  return topics
}

/**
 * Throws `publish.unauthorized` if this user may not write to one of the topics: on the dead-letter topic, the missing
 * right would otherwise show only with the first dead letter.
 */
export function mustBeWritable({ events, deadLetters }: Topics): void {
  for (const { topic, isWritable } of [events, deadLetters]) {
    if (!isWritable)
      throw new ConnectorError(
        'publish.unauthorized',
        `open topic ${topic}: the ACL WRITE on topic ${topic} is missing`,
      )
  }
}

/** Returns the error for an events topic that no longer exists although events were published to it. */
export const topicLostError = (topic: string) =>
  new ConnectorError(
    'checkpoint.topic-lost',
    `open ${topic}: the topic no longer exists; the events published to it are lost`,
  )

interface WantedTopic {
  readonly topic: string
  /** How to create it if it is missing; undefined: it must not be created. */
  readonly create: TopicCreation | undefined
  /** The ACL to report if this user cannot see the topic; either operation makes it visible. */
  readonly acl: 'WRITE' | 'DESCRIBE'
}

/** Six seconds in total: for that long a topic may be unknown if it was just created or the broker has just started. */
const pausesMs = [100, 200, 400, 800, 1600, 3200]

/** Returns the topic; creates it first if missing and allowed. Rejects with `publish.*` or the reason of `stop`. */
export async function ensureTopic(
  cluster: TopicCluster,
  { topic, create, acl }: WantedTopic,
  { clock, stop }: WaitParts,
): Promise<Topic> {
  const broker = await cluster.findControllerBroker()
  for (const [attempt, pauseMs] of [...pausesMs, 0].entries()) {
    const { topic: found } = await fetchMetadata(broker, topic).catch(
      throwTopicError(topic, `${acl} (to create it: CREATE)`),
    )
    if (found !== undefined) return found
    if (attempt === 0 && create !== undefined) await createTopic(broker, topic, create)
    await clock.sleep(pauseMs, stop)
  }
  throw new ConnectorError('publish.topic-missing', `open ${topic}: the topic does not exist`)
}

/** Returns a handler that throws an error which names the missing ACL. */
const throwTopicError = (topic: string, acl: string) => (error: unknown) => {
  throw publishError(`open topic ${topic}`, error, {
    TOPIC_AUTHORIZATION_FAILED: `${acl} on topic ${topic}`,
    CLUSTER_AUTHORIZATION_FAILED: 'CREATE on the cluster',
  })
}

/** Creates the topic. Resolves as well if another replica has created it meanwhile. */
async function createTopic(broker: Broker, topic: string, creation: TopicCreation) {
  const { partitions: numPartitions, replicationFactor, settings = {} } = creation
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  try {
    await broker.createTopics({ topics: [{ topic, numPartitions, replicationFactor, configEntries }] })
  } catch (error) {
    if (!hasKafkaError(error, 'TOPIC_ALREADY_EXISTS')) throwTopicError(topic, 'CREATE')(error)
  }
}
