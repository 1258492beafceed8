import type { Admin } from 'kafkajs'
import type { Inspection, OpenOptions, TopicLayout } from '../../publish/event-publisher.ts'
import type { Clock } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { topicNames } from '../kafka-config.ts'
import { withAdmin } from '../kafka-connection.ts'
import { readKafkaState } from '../transactions/kafka-state.ts'
import type { ProducerParts } from '../transactions/transactional-producer.ts'
import { accessAsStream } from './stream-access.ts'
import { createTopic, ensureTopic, readTopics, type WantedTopic } from './topics.ts'

/** Implements `EventPublisher.inspect`. */
export async function inspectKafka(parts: ProducerParts, options: OpenOptions, stop: AbortSignal): Promise<Inspection> {
  const { config, names, clock } = parts
  const { topic } = config
  const work = (admin: Admin) =>
    readTopics(admin, { ...options, config: topic }, (wanted) => inspectTopic(admin, wanted, { clock, stop }))
  const operation = `inspect topics ${topicNames(topic).join(', ')}`
  const { clusterId, events, deadLetters } = await withAdmin(parts, { operation, work }, stop)
  if (events === undefined) return { destination: undefined, found: { kind: 'none' }, isEmpty: true }
  const topics = { clusterId, events, deadLetters }
  await accessAsStream(parts, { names, topics }, stop)
  const place = { group: names.recordGroup, topic: events.topic }
  return await readKafkaState(parts, { topics, place, producerIds: [], finder: undefined }, stop)
}

/** Undefined: missing, and `open` may create it. */
async function inspectTopic(
  admin: Admin,
  wanted: WantedTopic,
  parts: { clock: Clock; stop: AbortSignal },
): Promise<TopicLayout | undefined> {
  try {
    return await ensureTopic(admin, { ...wanted, mayCreate: false }, parts)
  } catch (error) {
    if (!wanted.mayCreate || codeOf(error) !== 'publish.topic-missing') throw error
    await createTopic(admin, wanted, { validateOnly: true })
    return undefined
  }
}
