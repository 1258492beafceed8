import { randomUUID } from 'node:crypto'
import { streamAccess } from '../../kafka/admin/access-check.ts'
import { type TopicView, viewTopic } from '../../kafka/admin/cluster-view.ts'
import { type Topics, topicShapes } from '../../kafka/admin/topics.ts'
import { trialTransaction } from '../../kafka/transactions/stream-producer.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { KafkaChecks } from './check-kafka.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { type CheckResult, type CheckResults, checked, failed, ok, skipped } from './finding.ts'
import { judgeTopic } from './judge-kafka.ts'

/** The checks of Kafka for one stream. */
export interface StreamKafkaChecks {
  readonly results: CheckResults
  /** Null: unknown. */
  readonly clusterId: string | null
  /** Undefined: one of the topics does not exist, or its existence is unknown. */
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
  const { events, deadLetters } = subject.stream.config.kafka.topic
  const [topic, dead] = await Promise.all([
    checkTopic(parts, { ...subject, topic: events, isState: true }, finish),
    checkTopic(parts, { ...subject, topic: deadLetters, isState: false }, finish),
  ])
  const existing = [topic.view, dead.view].flatMap((view) => view ?? [])
  const [rights, transaction] = await Promise.all([
    checkRights(parts, { ...subject, topics: existing }, finish),
    existing.length < 2 ? skipped('requires both topics') : checkTransaction(parts, subject, finish),
  ])
  const { clusterId } = cluster
  return {
    results: { topic: topic.result, 'dead letters': dead.result, rights, transaction },
    clusterId,
    isTopicMissing: topic.isMissing,
    topics: topic.view && dead.view && { clusterId, events: topic.view, deadLetters: dead.view },
  }
}

const within = (finish: AbortSignal) => ({ finish, timeoutCode: 'publish.unreachable' }) as const

async function checkTopic(
  { admin }: DoctorParts,
  { stream, kafka, topic, isState }: Subject & { topic: string; isState: boolean },
  finish: AbortSignal,
): Promise<{ result: CheckResult; view: TopicView | undefined; isMissing: boolean }> {
  const { maxMessageBytes, topic: configured } = stream.config.kafka
  const [ofEvents, ofDeadLetters] = topicShapes(configured)
  const shape = isState ? ofEvents : ofDeadLetters
  const wanted = { create: configured.create, shape, maxMessageBytes, isState, brokers: kafka.cluster?.brokers ?? 1 }
  let view: TopicView | undefined
  let isMissing = false
  const result = await checked(within(finish), async () => {
    view = await viewTopic(admin, topic, finish)
    isMissing = view === undefined
    return judgeTopic(topic, view, wanted)
  })
  return { result, view, isMissing }
}

/** Checks all permissions concurrently, so that all missing ACLs are reported together. */
async function checkRights(
  { admin }: DoctorParts,
  { stream, topics }: Subject & { topics: readonly TopicView[] },
  finish: AbortSignal,
): Promise<CheckResult> {
  const { transactionalId, recordGroup } = stream.names
  return await checked(within(finish), async () => {
    const answers = await Promise.allSettled(streamAccess(admin, { names: stream.names, topics }, finish))
    const errors: Error[] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
    const missing = errors.filter((error) => codeOf(error) === 'publish.unauthorized')
    if (errors.length > missing.length) throw errors.find((error) => !missing.includes(error))
    if (missing.length === 0) {
      const names = topics.map(({ topic }) => topic).join(', ')
      const written = names === '' ? '' : `, WRITE on transactional id ${transactionalId}, READ and WRITE on ${names}`
      return ok(`READ on group ${recordGroup}${written}`)
    }
    return failed('publish.unauthorized', missing.map(({ message }) => message).join('; '), 'add the missing ACLs')
  })
}

function checkTransaction(
  { admin, names }: DoctorParts,
  { stream, kafka }: Subject,
  finish: AbortSignal,
): Promise<CheckResult> {
  return checked(within(finish), async () => {
    const parts = { ...admin, config: stream.config.kafka, names }
    try {
      await kafka.inSequence(() => trialTransaction(parts, randomUUID(), finish))
    } catch (error) {
      if (codeOf(error) !== 'publish.fenced') throw error
      return failed(
        'publish.fenced',
        'another process is using the same transactional id',
        'run only one doctor at a time',
      )
    }
    return ok(`${names.transactionalId} committed an offset in group ${names.recordGroup} and no record`)
  })
}
