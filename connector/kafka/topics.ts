import type { Admin } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { TopicConfig, TopicCreation } from './kafka-config.ts'
import { hasKafkaCode, isAnswered, KafkaCode, publishError } from './kafka-errors.ts'
import { describeCluster } from './kafkajs/metadata-requests.ts'

export interface TopicLayout {
  readonly topic: string
  readonly partitions: number
}

/** The two topics of a stream, as they exist. */
export interface Topics {
  /** Null if the brokers report no cluster id. */
  readonly clusterId: string | null
  readonly events: TopicLayout
  readonly deadLetters: TopicLayout
}

/**
 * Reads the cluster id and partition counts. Creates missing topics if allowed, but never an events topic to which
 * events were published. Rejects with kafkajs' errors, `publish.*` or `checkpoint.topic-lost`.
 */
export async function readTopics(
  admin: Admin,
  { config, publishedEvents }: { config: TopicConfig; publishedEvents: number },
  parts: { clock: Clock; stop: AbortSignal },
): Promise<Topics> {
  const { clusterId } = await describeCluster(admin)
  const { events, deadLetters, create } = config
  const ensured = (topic: string, wanted: Pick<WantedTopic, 'create' | 'settings'>) =>
    ensureTopic(admin, { ...wanted, topic, acl: 'WRITE' }, parts)
  const isNew = publishedEvents === 0
  return {
    clusterId: clusterId ?? null,
    events: await ensured(events, { create: isNew ? create : undefined, settings: create?.eventsConfig }).catch(
      (error) => {
        throw isNew || codeOf(error) !== 'publish.topic-missing' ? error : topicLost(events, publishedEvents)
      },
    ),
    deadLetters: await ensured(deadLetters, { create, settings: create?.deadLettersConfig }),
  }
}

/** The error for an events topic that no longer exists although events were published to it. */
export const topicLost = (topic: string, published: number) =>
  new ConnectorError(
    'checkpoint.topic-lost',
    `open ${topic}: the topic no longer exists; the ${published} events published to it are lost`,
  )

interface WantedTopic {
  readonly topic: string
  /** Undefined: a missing topic is not created. */
  readonly create: Pick<TopicCreation, 'partitions' | 'replicationFactor'> | undefined
  /** Topic settings by their Kafka names. */
  readonly settings?: Readonly<Record<string, string>> | undefined
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
    if (wanted.create !== undefined && !isCreated) await createTopic(admin, wanted, wanted.create)
    isCreated = true
    await parts.clock.sleep(pauseMs, parts.stop)
  }
  const found = await findTopic(admin, wanted)
  if (found !== undefined) return found
  throw new ConnectorError('publish.topic-missing', `open ${wanted.topic}: the topic does not exist`)
}

async function findTopic(admin: Admin, wanted: WantedTopic): Promise<TopicLayout | undefined> {
  const { topic } = wanted
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
    return partitions === 0 ? undefined : { topic, partitions }
  } catch (error) {
    if (hasKafkaCode(error, KafkaCode.UNKNOWN_TOPIC_OR_PARTITION)) return undefined
    throw topicError(wanted, error)
  }
}

/** Names the missing ACL. Leaves connection errors to the owner of the connection, which knows their cause. */
function topicError({ topic, acl }: WantedTopic, error: unknown): unknown {
  if (!isAnswered(error)) return error
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `${acl} (to create it: CREATE) on topic ${topic}`,
    [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'CREATE on the cluster',
  }
  return publishError(`open topic ${topic}`, error, needs)
}

/** Also resolves if another replica has created the topic meanwhile. */
async function createTopic(
  admin: Admin,
  wanted: WantedTopic,
  create: NonNullable<WantedTopic['create']>,
): Promise<void> {
  const { topic, settings = {} } = wanted
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const { partitions: numPartitions, replicationFactor } = create
  const topics = [{ topic, numPartitions, replicationFactor, configEntries }]
  await admin.createTopics({ topics, waitForLeaders: false }).catch((error) => {
    throw topicError(wanted, error)
  })
}
