import type { Admin } from 'kafkajs'
import type { Clock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { hasKafkaCode, publishError } from './classify-kafka-error.ts'
import type { TopicConfig, TopicCreation } from './kafka-config.ts'
import { describeCluster } from './kafkajs/asked-topics.ts'
import type { TopicLayout } from './outgoing-batches.ts'

/** The two topics of a stream as they are now. */
export interface Topics {
  readonly clusterId: string
  readonly events: TopicLayout
  readonly deadLetters: TopicLayout
}

/** Reads cluster id and partition counts, creating what is missing where that is allowed. Errors are kafkajs' or `publish.*`. */
export async function readTopics(
  admin: Admin,
  config: TopicConfig,
  parts: { clock: Clock; stop: AbortSignal },
): Promise<Topics> {
  const { clusterId } = await describeCluster(admin)
  const { events, deadLetters, create } = config
  const ensured = (topic: string, settings: WantedTopic['settings']) =>
    ensureTopic(admin, { topic, create, settings, acl: 'WRITE' }, parts)
  return {
    clusterId,
    events: await ensured(events, create?.eventsConfig),
    deadLetters: await ensured(deadLetters, create?.deadLettersConfig),
  }
}

export interface WantedTopic {
  readonly topic: string
  /** Absent: it is not created. */
  readonly create: Pick<TopicCreation, 'partitions' | 'replicationFactor'> | undefined
  /** Topic settings by their Kafka names. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** What its user has to be allowed, for the error that says so; either shows the topic. */
  readonly acl: 'WRITE' | 'DESCRIBE'
}

/** For so long, in six seconds, a topic may be unknown: to a broker that has just started, or when it has just been created. */
const pausesMs = [100, 200, 400, 800, 1600, 3200]

/** The topic as it is, created first if it is missing and that is allowed. Rejects with `publish.*` or the reason of `stop`. */
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

const unknownTopic = 3

async function findTopic(admin: Admin, wanted: WantedTopic): Promise<TopicLayout | undefined> {
  const { topic } = wanted
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
    return partitions === 0 ? undefined : { topic, partitions }
  } catch (error) {
    if (hasKafkaCode(error, unknownTopic)) return undefined
    throw topicError(wanted, error)
  }
}

function topicError({ topic, acl }: WantedTopic, error: unknown) {
  const needs = { 29: `${acl} (to create it: CREATE) on topic ${topic}`, 31: 'CREATE on the cluster' }
  return publishError(`open topic ${topic}`, error, needs)
}

/** Resolves as well when another replica was faster. */
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
