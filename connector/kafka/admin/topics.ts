import type { Admin, PartitionMetadata } from 'kafkajs'
import type { OpenOptions, TopicLayout } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { TopicConfig, TopicCreation } from '../kafka-config.ts'
import { hasKafkaError, isAnswered, publishError } from '../kafka-errors.ts'
import { describeCluster } from '../kafkajs/metadata-requests.ts'

/** The topics of a stream, as they exist. */
export interface Topics {
  /** Null if the brokers report no cluster id. */
  readonly clusterId: string | null
  readonly events: TopicLayout
  readonly deadLetters: TopicLayout
}

interface Waiting {
  readonly clock: Clock
  readonly stop: AbortSignal
}

/**
 * Reads the cluster id and the topics of a stream; creates missing ones if allowed. An events topic to which events were
 * published must never be created. Rejects with kafkajs' errors, `publish.*` or `checkpoint.topic-lost`.
 */
export async function readTopics(
  admin: Admin,
  { config, publishedEvents, clusterId: expected, missingTopics }: OpenOptions & { readonly config: TopicConfig },
  waiting: Waiting,
): Promise<Topics> {
  const clusterId = (await describeCluster(admin)).clusterId ?? null
  if (expected !== null && clusterId !== null && clusterId !== expected) {
    const message = `open stream: the document belongs to Kafka cluster ${expected}, not to ${clusterId}`
    throw new ConnectorError('checkpoint.topic-lost', message)
  }
  const isNew = publishedEvents === 0
  const create = missingTopics === 'as-configured' ? config.create : undefined
  const settingsOf = { events: create?.eventsConfig, deadLetters: create?.deadLettersConfig }
  const wanted = (of: 'events' | 'deadLetters', shape: TopicShape | undefined) => {
    const topic = { topic: config[of], create: shape && { ...shape, settings: settingsOf[of] }, acl: 'WRITE' } as const
    return ensureTopic(admin, topic, waiting)
  }
  const events = await wanted('events', isNew ? create : undefined).catch((error) => {
    throw isNew || codeOf(error) !== 'publish.topic-missing' ? error : topicLost(config.events, publishedEvents)
  })
  return { clusterId, events, deadLetters: await wanted('deadLetters', create) }
}

/** The error for an events topic that no longer exists although events were published to it. */
export const topicLost = (topic: string, published: number) =>
  new ConnectorError(
    'checkpoint.topic-lost',
    `open ${topic}: the topic no longer exists; the ${published} events published to it are lost`,
  )

/** How to create a topic. */
interface TopicShape extends Pick<TopicCreation, 'partitions' | 'replicationFactor'> {
  /** By their Kafka names. */
  readonly settings?: Readonly<Record<string, string>> | undefined
}

interface WantedTopic {
  readonly topic: string
  /** How to create it if it is missing; undefined: it must not be created. */
  readonly create: TopicShape | undefined
  /** The ACL to report if this user cannot see the topic; either operation makes it visible. */
  readonly acl: 'WRITE' | 'DESCRIBE'
}

/** Six seconds in total: for that long a topic may be unknown if it was just created or the broker has just started. */
const pausesMs = [100, 200, 400, 800, 1600, 3200]

/** Returns the topic; creates it first if missing and allowed. Rejects with `publish.*` or the reason of `stop`. */
export async function ensureTopic(
  admin: Admin,
  { topic, create, acl }: WantedTopic,
  { clock, stop }: Waiting,
): Promise<TopicLayout> {
  for (const [attempt, pauseMs] of [...pausesMs, 0].entries()) {
    const { length: partitions } = await partitionsOf(admin, topic).catch((error) => {
      throw topicError(topic, error, `${acl} (to create it: CREATE)`)
    })
    if (partitions > 0) return { topic, partitions }
    if (attempt === 0 && create !== undefined) await createTopic(admin, topic, create)
    await clock.sleep(pauseMs, stop)
  }
  throw new ConnectorError('publish.topic-missing', `open ${topic}: the topic does not exist`)
}

/** Empty if the topic does not exist. Rejects with kafkajs' errors. */
export async function partitionsOf(admin: Admin, topic: string): Promise<PartitionMetadata[]> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions ?? []
  } catch (error) {
    if (hasKafkaError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return []
    throw error
  }
}

/** Names the missing ACL. Leaves connection errors to the owner of the connection. */
function topicError(topic: string, error: unknown, acl: string): unknown {
  if (!isAnswered(error)) return error
  const needs = {
    TOPIC_AUTHORIZATION_FAILED: `${acl} on topic ${topic}`,
    CLUSTER_AUTHORIZATION_FAILED: 'CREATE on the cluster',
  }
  return publishError(`open topic ${topic}`, error, needs)
}

/** Also resolves if another replica has created it meanwhile. */
async function createTopic(admin: Admin, topic: string, shape: TopicShape): Promise<void> {
  const { partitions: numPartitions, replicationFactor, settings = {} } = shape
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const topics = [{ topic, numPartitions, replicationFactor, configEntries }]
  await admin.createTopics({ topics, waitForLeaders: false }).catch((error) => {
    throw topicError(topic, error, 'CREATE')
  })
}
