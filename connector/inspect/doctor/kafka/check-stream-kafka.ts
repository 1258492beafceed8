import { randomUUID } from 'node:crypto'
import { type TopicView, viewTopic } from '../../../kafka/admin/cluster-view.ts'
import { accessAsStream } from '../../../kafka/admin/stream-access.ts'
import { type Topics, topicShapes, validateCreation } from '../../../kafka/admin/topics.ts'
import { trialTransaction } from '../../../kafka/transactions/stream-producer.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import type { DoctorParts, StreamUnderTest } from '../doctor-parts.ts'
import { after, type CheckResult, type CheckResults, checked, failed, ok, skipped, warning } from '../finding.ts'
import type { KafkaChecks } from './check-kafka.ts'
import { judgeTopic } from './judge-kafka.ts'

/** The checks of Kafka for one stream. */
export interface StreamKafkaChecks {
  readonly results: CheckResults
  /** Null: unknown. */
  readonly clusterId: string | null
  /** Undefined: one of the topics does not exist, or this user may not use the topics as the stream does. */
  readonly topics: Topics | undefined
  /** Whether the events topic is known to be missing. */
  readonly isTopicMissing: boolean
}

interface Subject {
  readonly stream: StreamUnderTest
  readonly kafka: KafkaChecks
}

/** Checks that the topics exist and that the user has all permissions that the stream needs. Never rejects. */
export async function checkStreamKafka(
  parts: DoctorParts,
  subject: Subject,
  finish: AbortSignal,
): Promise<StreamKafkaChecks> {
  const { cluster } = subject.kafka
  if (cluster === undefined) {
    const none = skipped('requires Kafka')
    const results = { topic: none, 'dead letters': none, rights: none, transaction: none }
    return { results, clusterId: null, topics: undefined, isTopicMissing: false }
  }
  const [topic, dead] = await Promise.all([
    checkTopic(parts, { ...subject, use: 'events' }, finish),
    checkTopic(parts, { ...subject, use: 'deadLetters' }, finish),
  ])
  const { clusterId } = cluster
  const found = topic.view && dead.view && { clusterId, events: topic.view, deadLetters: dead.view }
  const rights = await checkRights(parts, { ...subject, topics: found }, finish)
  const transaction =
    found === undefined
      ? skipped('requires both topics')
      : await after(rights, 'the rights of the stream', () => checkTransaction(parts, subject, finish))
  return {
    results: { topic: topic.result, 'dead letters': dead.result, rights, transaction },
    clusterId,
    isTopicMissing: topic.isMissing,
    topics: rights.verdict === 'ok' ? found : undefined,
  }
}

const within = (finish: AbortSignal) => ({ finish, timeoutCode: 'publish.failed' }) as const

interface TopicCheck {
  readonly result: CheckResult
  readonly view: TopicView | undefined
  /** Known to be missing. */
  readonly isMissing: boolean
}

/** What consumers miss if records are deleted by their age; undefined: nothing. */
const lostUnlessCompacted = {
  events: 'the events of unchanged clients are deleted after retention.ms',
  deadLetters: undefined,
} as const

async function checkTopic(
  { admin }: DoctorParts,
  { stream, kafka, use }: Subject & { readonly use: keyof typeof lostUnlessCompacted },
  finish: AbortSignal,
): Promise<TopicCheck> {
  const { topic: configured, maxMessageBytes } = stream.config.kafka
  const { [use]: topic, create } = configured
  const shape = topicShapes(create)?.[use]
  const lost = lostUnlessCompacted[use]
  const required = { create, maxMessageBytes, lost, brokers: kafka.cluster?.brokers ?? 1 }
  let view: TopicView | undefined
  let isMissing = false
  const result = await checked(within(finish), async () => {
    view = await viewTopic(admin, { topic, acl: 'WRITE' }, finish)
    isMissing = view === undefined
    if (isMissing && shape !== undefined) await validateCreation(admin, { topic, shape }, finish)
    return judgeTopic(topic, view, required)
  })
  return { result, view, isMissing }
}

function checkRights(
  { admin }: DoctorParts,
  { stream: { names }, topics }: Subject & { readonly topics: Topics | undefined },
  finish: AbortSignal,
): Promise<CheckResult> {
  return checked(within(finish), async () => {
    await accessAsStream(admin, { names, topics }, finish)
    const ofTopics = topics === undefined ? 'the topics are not checked' : 'both topics'
    return ok(`transactional id ${names.transactionalId}, group ${names.recordGroup}, ${ofTopics}`)
  })
}

function checkTransaction(
  { admin, names }: DoctorParts,
  { stream, kafka }: Subject,
  finish: AbortSignal,
): Promise<CheckResult> {
  const parts = { ...admin, config: stream.config.kafka, names }
  return checked(within(finish), async () => {
    try {
      await kafka.inSequence(() => trialTransaction(parts, randomUUID(), finish))
      return ok(`${names.transactionalId} committed an offset in group ${names.recordGroup} and no record`)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'publish.unauthorized' && error instanceof Error)
        return warning(error.message, 'add it for a trial transaction; `run` does not need it')
      if (code !== 'publish.fenced') throw error
      return failed(code, 'another process is using the same transactional id', 'run only one doctor at a time')
    }
  })
}
