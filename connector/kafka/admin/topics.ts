import type { Admin, PartitionMetadata } from 'kafkajs'
import type { OpenOptions, TopicLayout } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import type { TopicConfig, TopicCreation } from '../kafka-config.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
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
  const shapes = missingTopics === 'as-configured' ? topicShapes(config.create) : undefined
  const wanted = (topic: string, create: TopicShape | undefined) =>
    ensureTopic(admin, { topic, create, acl: 'WRITE' }, waiting)
  const events = wanted(config.events, isNew ? shapes?.events : undefined).catch((error) => {
    throw isNew || codeOf(error) !== 'publish.topic-missing' ? error : topicLost(config.events, publishedEvents)
  })
  return { clusterId, events: await events, deadLetters: await wanted(config.deadLetters, shapes?.deadLetters) }
}

/** How the topics are created; undefined: not at all. */
export const topicShapes = (
  create: TopicCreation | undefined,
): Readonly<Record<'events' | 'deadLetters', TopicShape>> | undefined =>
  create && {
    events: { ...create, settings: create.eventsConfig },
    deadLetters: { ...create, settings: create.deadLettersConfig },
  }

/** The error for an events topic that no longer exists although events were published to it. */
export const topicLost = (topic: string, published: number) =>
  new ConnectorError(
    'checkpoint.topic-lost',
    `open ${topic}: the topic no longer exists; the ${published} events published to it are lost`,
  )

/** How to create a topic. */
export interface TopicShape extends Pick<TopicCreation, 'partitions' | 'replicationFactor'> {
  /** By their Kafka names. */
  readonly settings?: Readonly<Record<string, string>>
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
    if (attempt === 0 && create !== undefined) await createTopic(admin, topic, create, { validateOnly: false })
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

/** Rejects if the topic, which does not exist, cannot be created: with `publish.*` or the reason of `stop`. */
export async function validateCreation(
  parts: AdminParts,
  { topic, shape }: { readonly topic: string; readonly shape: TopicShape },
  stop: AbortSignal,
): Promise<void> {
  const work = (admin: Admin) => createTopic(admin, topic, shape, { validateOnly: true })
  await withAdmin(parts, { operation: `validate the creation of topic ${topic}`, work }, stop)
}

/**
 * Creates the topic; also resolves if another replica has created it meanwhile. With `validateOnly`, Kafka checks the
 * request and the permission, and creates nothing.
 */
async function createTopic(
  admin: Admin,
  topic: string,
  { partitions: numPartitions, replicationFactor, settings = {} }: TopicShape,
  { validateOnly }: { validateOnly: boolean },
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const topics = [{ topic, numPartitions, replicationFactor, configEntries }]
  await admin.createTopics({ topics, validateOnly, waitForLeaders: false }).catch((error) => {
    throw topicError(topic, error, 'CREATE')
  })
}
