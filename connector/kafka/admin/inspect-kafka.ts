import type { Admin } from 'kafkajs'
import type { Inspection, OpenOptions, StreamProducer, TopicLayout } from '../../publish/event-publisher.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { withAdmin } from '../kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka-errors.ts'
import { scanEvents } from '../reading/scan-events.ts'
import { readKafkaState } from '../transactions/kafka-state.ts'
import type { ProducerParts } from '../transactions/transactional-producer.ts'
import { mayPublish, mayUseGroup, mayUseTopic } from './access-check.ts'
import { allowCreation, clusterOf, creationOf, ensureTopic, type TopicShape, topicLost, topicShapes } from './topics.ts'

/** Implements `EventPublisher.inspect`. */
export async function inspectKafka(
  parts: ProducerParts,
  { publishedEvents, clusterId: expected }: OpenOptions,
  stop: AbortSignal,
): Promise<Inspection> {
  const { config, names } = parts
  const { transactionalId, recordGroup: group } = names
  const { clusterId, events, deadLetters } = await existingTopics(parts, expected, stop)
  for (const found of [events, deadLetters])
    if (found !== undefined) await mayUseTopic(parts, { topic: found.topic, operations: ['WRITE', 'READ'] }, stop)
  await mayUseGroup(parts, group, stop)
  const common = { scanEvents: scanning(parts, events) }
  if (events === undefined) {
    if (publishedEvents > 0) throw topicLost(config.topic.events, publishedEvents)
    return { ...common, destination: undefined, stored: { record: undefined, isUnstable: false } }
  }
  await mayPublish(parts, { transactionalId, topic: events.topic }, stop)
  const topics = { clusterId, events, deadLetters: deadLetters ?? events }
  const request = { topics, place: { group, topic: events.topic }, producerIds: [], finder: undefined }
  return { ...common, ...(await readKafkaState(parts, request, stop)) }
}

/** A missing topic has no events to scan. */
function scanning(parts: ProducerParts, topic: TopicLayout | undefined): StreamProducer['scanEvents'] {
  return async (scan, stop) => (topic === undefined ? new Set() : await scanEvents(parts, { ...scan, topic }, stop))
}

interface Existing {
  readonly clusterId: string | null
  /** Undefined: missing, and `open` may create it. */
  readonly events: TopicLayout | undefined
  readonly deadLetters: TopicLayout | undefined
}

function existingTopics(parts: ProducerParts, expected: string | null, stop: AbortSignal): Promise<Existing> {
  const { topic } = parts.config
  const work = async (admin: Admin): Promise<Existing> => {
    const clusterId = await clusterOf(admin, expected)
    const inspect = (name: string, shape: TopicShape) => inspectTopic(admin, { topic: name, shape }, { ...parts, stop })
    const [ofEvents, ofDeadLetters] = topicShapes(topic)
    return {
      clusterId,
      events: await inspect(topic.events, ofEvents),
      deadLetters: await inspect(topic.deadLetters, ofDeadLetters),
    }
  }
  return withAdmin(parts, { operation: `inspect topics ${topic.events} and ${topic.deadLetters}`, work }, stop)
}

async function inspectTopic(
  admin: Admin,
  wanted: { topic: string; shape: TopicShape },
  parts: ProducerParts & { stop: AbortSignal },
): Promise<TopicLayout | undefined> {
  try {
    return await ensureTopic(admin, { ...wanted, mayCreate: false, alternative: allowCreation, acl: 'WRITE' }, parts)
  } catch (error) {
    if (parts.config.topic.create === undefined || codeOf(error) !== 'publish.topic-missing') throw error
    await mayCreate(admin, wanted)
    return undefined
  }
}

/** Checks the permission with `validateOnly`: Kafka validates the request and creates nothing. */
async function mayCreate(admin: Admin, wanted: { topic: string; shape: TopicShape }): Promise<void> {
  const { topic } = wanted
  const topics = [creationOf(wanted)]
  await admin.createTopics({ topics, validateOnly: true, waitForLeaders: false }).catch((error) => {
    throw publishError(`check permission to create topic ${topic}`, error, {
      [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `CREATE on topic ${topic}`,
      [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'CREATE on the cluster',
    })
  })
}
