import type { Admin, PartitionMetadata } from 'kafkajs'
import type { OpenOptions, TopicLayout } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { kafkaDefaults, type TopicConfig, type TopicCreation } from '../kafka-config.ts'
import { type AdminParts, withAdmin } from '../kafka-connection.ts'
import { hasKafkaCode, isAnswered, KafkaCode, publishError } from '../kafka-errors.ts'
import { describeCluster } from '../kafkajs/metadata-requests.ts'

/** The topics of a stream, as they exist. */
export interface Topics<Topic = TopicLayout> {
  /** Null if the brokers report no cluster id. */
  readonly clusterId: string | null
  readonly events: Topic
  readonly deadLetters: Topic
}

/** Topics of which those without events may be missing. */
export type FoundTopics = Topics<TopicLayout | undefined> & Pick<Topics, 'events'>

export const existingTopics = ({ events, deadLetters }: FoundTopics): readonly TopicLayout[] =>
  [events, deadLetters].filter((topic) => topic !== undefined)

/**
 * Reads the cluster id and, with `ensure`, the topics of a stream. An events topic to which events were published
 * must never be created. Rejects with kafkajs' errors, `publish.*` or `checkpoint.topic-lost`.
 */
export async function readTopics<Topic>(
  admin: Admin,
  { config, publishedEvents, clusterId: expected, missingTopics }: OpenOptions & { readonly config: TopicConfig },
  ensure: (wanted: WantedTopic) => Promise<Topic>,
): Promise<Topics<Topic>> {
  const clusterId = await clusterOf(admin, expected)
  const isNew = publishedEvents === 0
  const isCreationAllowed = config.create !== undefined && missingTopics === 'as-configured'
  const wanted = (topic: string, shape: TopicShape, mayCreate: boolean) =>
    ensure({ topic, shape, mayCreate, acl: 'WRITE' })
  const shapes = topicShapes(config)
  const events = wanted(config.events, shapes.events, isCreationAllowed && isNew).catch((error) => {
    throw isNew || codeOf(error) !== 'publish.topic-missing' ? error : topicLost(config.events, publishedEvents)
  })
  return {
    clusterId,
    events: await events,
    deadLetters: await wanted(config.deadLetters, shapes.deadLetters, isCreationAllowed),
  }
}

/** How the topics are created. */
export function topicShapes({
  create = kafkaDefaults.create,
}: TopicConfig): Readonly<Record<'events' | 'deadLetters', TopicShape>> {
  return {
    events: { ...create, settings: create.eventsConfig },
    deadLetters: { ...create, settings: create.deadLettersConfig },
  }
}

/** The id of the cluster; null if the brokers report none. Rejects with `checkpoint.topic-lost` if it is another. */
async function clusterOf(admin: Admin, expected: string | null): Promise<string | null> {
  const clusterId = (await describeCluster(admin)).clusterId ?? null
  if (expected === null || clusterId === null || clusterId === expected) return clusterId
  const message = `open stream: the document belongs to Kafka cluster ${expected}, not to ${clusterId}`
  throw new ConnectorError('checkpoint.topic-lost', message)
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

export interface WantedTopic {
  readonly topic: string
  readonly shape: TopicShape
  readonly mayCreate: boolean
  /** The ACL to report if this user cannot see the topic; either operation makes it visible. */
  readonly acl: 'WRITE' | 'DESCRIBE'
}

/** Six seconds in total: for that long a topic may be unknown if it was just created or the broker has just started. */
const pausesMs = [100, 200, 400, 800, 1600, 3200]

/** Returns the topic; creates it first if missing and allowed. Rejects with `publish.*` or the reason of `stop`. */
export async function ensureTopic(
  admin: Admin,
  wanted: WantedTopic,
  parts: { clock: Clock; stop: AbortSignal },
): Promise<TopicLayout> {
  let isCreated = false
  for (const pauseMs of pausesMs) {
    const found = await findTopic(admin, wanted)
    if (found !== undefined) return found
    if (wanted.mayCreate && !isCreated) await createTopic(admin, wanted, { validateOnly: false })
    isCreated = true
    await parts.clock.sleep(pauseMs, parts.stop)
  }
  const found = await findTopic(admin, wanted)
  if (found !== undefined) return found
  throw new ConnectorError('publish.topic-missing', `open ${wanted.topic}: the topic does not exist`)
}

async function findTopic(admin: Admin, wanted: WantedTopic): Promise<TopicLayout | undefined> {
  const { topic, acl } = wanted
  try {
    const partitions = (await partitionsOf(admin, topic)).length
    return partitions === 0 ? undefined : { topic, partitions }
  } catch (error) {
    throw topicError(topic, error, `${acl} (to create it: CREATE)`)
  }
}

/** Empty if the topic does not exist. Rejects with kafkajs' errors. */
export async function partitionsOf(admin: Admin, topic: string): Promise<PartitionMetadata[]> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions ?? []
  } catch (error) {
    if (hasKafkaCode(error, KafkaCode.UNKNOWN_TOPIC_OR_PARTITION)) return []
    throw error
  }
}

/** Names the missing ACL. Leaves connection errors to the owner of the connection, which knows their cause. */
function topicError(topic: string, error: unknown, acl: string): unknown {
  if (!isAnswered(error)) return error
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `${acl} on topic ${topic}`,
    [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'CREATE on the cluster',
  }
  return publishError(`open topic ${topic}`, error, needs)
}

/** Rejects if the topic, which does not exist, cannot be created: with `publish.*` or the reason of `stop`. */
export async function validateCreation(
  parts: AdminParts,
  wanted: Pick<WantedTopic, 'topic' | 'shape'>,
  stop: AbortSignal,
): Promise<void> {
  const work = (admin: Admin) => createTopic(admin, wanted, { validateOnly: true })
  await withAdmin(parts, { operation: `validate the creation of topic ${wanted.topic}`, work }, stop)
}

/**
 * Creates the topic; also resolves if another replica has created it meanwhile. With `validateOnly`, Kafka checks the
 * request and the permission, and creates nothing.
 */
export async function createTopic(
  admin: Admin,
  { topic, shape }: Pick<WantedTopic, 'topic' | 'shape'>,
  { validateOnly }: { validateOnly: boolean },
): Promise<void> {
  const { partitions: numPartitions, replicationFactor, settings = {} } = shape
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const topics = [{ topic, numPartitions, replicationFactor, configEntries }]
  await admin.createTopics({ topics, validateOnly, waitForLeaders: false }).catch((error) => {
    throw topicError(topic, error, 'CREATE')
  })
}
