import { randomUUID } from 'node:crypto'
import {
  accessAsStream,
  accessGroup,
  type ClusterView,
  viewCluster,
  viewTopic,
} from '../../kafka/admin/cluster-view.ts'
import type { Topics } from '../../kafka/admin/topics.ts'
import { withoutCreation } from '../../kafka/kafka-config.ts'
import { openStreamProducer } from '../../kafka/transactions/stream-producer.ts'
import { optionsWithoutCheckpoint, streamNames, type TopicLayout } from '../../publish/event-publisher.ts'
import { DAY_MS } from '../../runtime/clock.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import {
  type CheckResult,
  type CheckResults,
  type DoctorParts,
  failedResult,
  hasPassed,
  okResult,
  resultOf,
  type StreamUnderTest,
  skippedResult,
  warningResult,
} from './doctor-parts.ts'

const kafkaLimit = (finish: AbortSignal) => ({ finish, timeoutCode: 'publish.failed' }) as const

/** What was found in Kafka, for the checks of the streams. */
export interface KafkaChecks {
  readonly results: CheckResults
  /** It is undefined if the cluster could not be reached. */
  readonly cluster: ClusterView | undefined
}

/** Checks that the cluster answers and keeps commit records long enough. Never rejects. */
export async function checkKafka({ admin }: DoctorParts, finish: AbortSignal): Promise<KafkaChecks> {
  let cluster: ClusterView | undefined
  const kafka = await resultOf(kafkaLimit(finish), async () => {
    cluster = await viewCluster(admin, finish)
    return okResult(`cluster ${cluster.clusterId}, brokers: ${cluster.brokers}`)
  })
  const retention = cluster === undefined ? skippedResult('requires Kafka') : judgeRetention(cluster)
  return { results: { kafka, 'offsets retention': retention }, cluster }
}

/** Judges whether the cluster keeps commit records long enough to know what they decide. Pure. */
export function judgeRetention({ offsetsRetentionMs }: Pick<ClusterView, 'offsetsRetentionMs'>): CheckResult {
  if (offsetsRetentionMs === undefined) {
    return warningResult(
      'offsets.retention.minutes is unknown: the ACL DESCRIBE_CONFIGS on the cluster is missing',
      'add it, or check that offsets.retention.minutes of the brokers is at least a day (1440)',
    )
  }
  const detail = `offsets.retention.minutes is ${Math.round(offsetsRetentionMs / 60_000)}`
  if (offsetsRetentionMs >= DAY_MS) return okResult(detail)
  return failedResult('config.invalid', `${detail}: commit records expire too early`, 'set it to at least a day (1440)')
}

/** The topics of a stream, as far as they could be checked. */
export interface StreamKafkaChecks {
  readonly results: CheckResults
  /** It is null if it is unknown. */
  readonly clusterId: string | null
  /** They are undefined if one of the topics does not exist, or this user may not use the topics as the stream does. */
  readonly topics: Topics | undefined
  /** Whether the events topic is known to be missing. */
  readonly isTopicMissing: boolean
}

/** Checks that the topics exist and that the user has all permissions that the stream needs. Never rejects. */
export async function checkStreamKafka(
  parts: DoctorParts,
  { stream, kafka }: { stream: StreamUnderTest; kafka: Promise<KafkaChecks> },
  finish: AbortSignal,
): Promise<StreamKafkaChecks> {
  const { cluster } = await kafka
  if (cluster === undefined) {
    const none = skippedResult('requires Kafka')
    return { results: { topics: none, rights: none }, clusterId: null, topics: undefined, isTopicMissing: false }
  }
  const { clusterId } = cluster
  const { topic: configured } = stream.config.kafka
  let isTopicMissing = false
  let found: Topics | undefined
  const topics = await resultOf(kafkaLimit(finish), async () => {
    const events = await viewTopic(parts.admin, configured.events, finish)
    isTopicMissing = events === undefined
    const deadLetters = await viewTopic(parts.admin, configured.deadLetters, finish)
    found = events && deadLetters && { clusterId, events, deadLetters }
    return judgeTopics(configured, [events, deadLetters])
  })
  const rights = await checkRights(parts, { stream, topics: found }, finish)
  const usable = hasPassed(rights) ? found : undefined
  return { results: { topics, rights }, clusterId, isTopicMissing, topics: usable }
}

function judgeTopics(
  { events, deadLetters, create }: StreamUnderTest['config']['kafka']['topic'],
  found: readonly (TopicLayout | undefined)[],
): CheckResult {
  const missing = [events, deadLetters].filter((_, at) => found[at] === undefined).join(' and ')
  const existing = found
    .flatMap((layout) => layout ?? [])
    .map(({ topic, partitions }) => `${topic} (partitions: ${partitions})`)
  if (missing === '') return okResult(existing.join(', '))
  if (create === undefined) return failedResult('publish.topic-missing', `missing: ${missing}`)
  return okResult(`missing: ${missing}; run creates each with ${create.events.partitions} partitions`)
}

function checkRights(
  { admin, config }: DoctorParts,
  { stream: { names }, topics }: { stream: StreamUnderTest; topics: Topics | undefined },
  finish: AbortSignal,
): Promise<CheckResult> {
  return resultOf(kafkaLimit(finish), async () => {
    if (config.placement.mode === 'group') await accessGroup(admin, config.connector, finish)
    await accessAsStream(admin, { names, topics }, finish)
    const ofTopics = topics === undefined ? 'the topics are not checked' : 'both topics'
    return okResult(`transactional id ${names.transactionalId}, group ${names.recordGroup}, ${ofTopics}`)
  })
}

interface CheckedStream {
  readonly stream: StreamUnderTest
  readonly kafka: Promise<StreamKafkaChecks>
}

/** Makes one trial for all streams, whose transactions need the same of the brokers. Never rejects. */
export async function checkTransaction(
  parts: DoctorParts,
  streams: readonly CheckedStream[],
  finish: AbortSignal,
): Promise<CheckResult> {
  for (const { stream, kafka } of streams)
    if ((await kafka).topics !== undefined) return await tryTransaction(parts, stream, finish)
  return skippedResult('requires both topics and the rights of a stream')
}

/**
 * Commits an offset for the topic of the stream, under names of its own, which disturbs no replica. No record and no
 * marker gets into the topic: a new stream begins only with an empty one.
 */
function tryTransaction(
  { admin, config }: DoctorParts,
  stream: StreamUnderTest,
  finish: AbortSignal,
): Promise<CheckResult> {
  const names = streamNames(config.connector, 'doctor')
  const kafka = withoutCreation(stream.config.kafka)
  return resultOf(kafkaLimit(finish), async () => {
    try {
      const producer = await openStreamProducer({ ...admin, config: kafka, names }, optionsWithoutCheckpoint, finish)
      try {
        await using transaction = producer.begin(finish)
        await transaction.commit({ epoch: 0, seq: 0, nonce: randomUUID(), nextEvent: 0 })
      } finally {
        void producer.close()
      }
      return okResult(`${names.transactionalId} committed an offset for ${kafka.topic.events}, and no record`)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'publish.unauthorized' && error instanceof Error)
        return warningResult(error.message, 'add it for a trial transaction; `run` does not need it')
      if (code !== 'publish.fenced') throw error
      return failedResult(code, 'another process uses the same transactional id', 'run only one doctor at a time')
    }
  })
}
