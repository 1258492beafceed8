import { randomUUID } from 'node:crypto'
import { missingAcls } from '../../../kafka/admin/access-check.ts'
import { type Acl, aclsOfNames, aclsOfTopics, aclText, missingText } from '../../../kafka/admin/acl.ts'
import type { TopicView } from '../../../kafka/admin/cluster-view.ts'
import { type Topics, topicShapes } from '../../../kafka/admin/topics.ts'
import { topicNames } from '../../../kafka/kafka-config.ts'
import { trialTransaction } from '../../../kafka/transactions/stream-producer.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import type { DoctorParts, StreamUnderTest } from '../doctor-parts.ts'
import { type CheckResult, type CheckResults, checked, failed, failure, ok, skipped } from '../finding.ts'
import type { KafkaChecks } from './check-kafka.ts'
import { aclsHint, findTopic, type SoughtTopic } from './find-topic.ts'
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
    return {
      results: { topic: none, 'dead letters': none, rights: none, transaction: none },
      clusterId: null,
      topics: undefined,
      isTopicMissing: false,
    }
  }
  const [topic, dead, asked] = await Promise.all([
    checkTopic(parts, { ...subject, use: 'events' }, finish),
    checkTopic(parts, { ...subject, use: 'deadLetters' }, finish),
    askAcls(parts, subject.stream, finish),
  ])
  const rights = judgeRights(asked, [...topic.missing, ...dead.missing])
  const { clusterId } = cluster
  const isUsable = rights.verdict === 'ok'
  const isComplete = isUsable && topic.view !== undefined && dead.view !== undefined
  const topics = isComplete ? { clusterId, events: topic.view, deadLetters: dead.view } : undefined
  const transaction = await checkTransaction(parts, { ...subject, topics, isUsable }, finish)
  return {
    results: {
      topic: topic.result,
      'dead letters': dead.result,
      rights,
      transaction,
    },
    clusterId,
    isTopicMissing: topic.isMissing,
    topics,
  }
}

const within = (finish: AbortSignal) => ({ finish, timeoutCode: 'publish.unreachable' }) as const

interface TopicCheck {
  readonly result: CheckResult
  readonly view: TopicView | undefined
  /** Known to be missing. */
  readonly isMissing: boolean
  /** What this user may not do with it. */
  readonly missing: readonly Acl[]
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
  const shape = topicShapes(configured)[use]
  const lost = lostUnlessCompacted[use]
  const required = { create, shape, maxMessageBytes, lost, brokers: kafka.cluster?.brokers ?? 1 }
  let found: SoughtTopic | undefined
  const result = await checked(within(finish), async () => {
    found = await findTopic(admin, { topic, shape, mayCreate: create !== undefined }, finish)
    if (found.kind === 'hidden') return skipped('requires the missing ACLs')
    if (found.missing.length > 0) return skipped(`${topic} does not exist, and this user may not create it`)
    return judgeTopic(topic, found.kind === 'exists' ? found.view : undefined, required)
  })
  const view = found?.kind === 'exists' ? found.view : undefined
  return { result, view, isMissing: found?.kind === 'missing', missing: found?.missing ?? [] }
}

interface AskedAcls {
  readonly acls: readonly Acl[]
  readonly missing: readonly Acl[]
  /** Undefined: all were answered. */
  readonly failure: CheckResult | undefined
}

/** Asks for everything at once, whether or not the topics exist, so that one run names all missing ACLs. */
async function askAcls(
  { admin }: DoctorParts,
  { names, config }: StreamUnderTest,
  finish: AbortSignal,
): Promise<AskedAcls> {
  const { topic } = config.kafka
  const acls = [...aclsOfNames(names), ...aclsOfTopics(topicNames(topic))]
  try {
    return { acls, missing: await missingAcls(admin, { acls, topic: topic.events }, finish), failure: undefined }
  } catch (error) {
    return { acls, missing: [], failure: failure(error, within(finish)) }
  }
}

function judgeRights({ acls, missing, failure }: AskedAcls, ofTopics: readonly Acl[]): CheckResult {
  if (failure !== undefined) return failure
  const all = [...missing, ...ofTopics]
  return all.length === 0
    ? ok(acls.map(aclText).join(', '))
    : failed('publish.unauthorized', missingText(all), aclsHint)
}

interface Trial extends Subject {
  /** Undefined: at least one of them does not exist. */
  readonly topics: Topics | undefined
  /** Whether the stream has all rights. */
  readonly isUsable: boolean
}

async function checkTransaction(
  { admin, names }: DoctorParts,
  { stream, kafka, topics, isUsable }: Trial,
  finish: AbortSignal,
): Promise<CheckResult> {
  if (!isUsable) return skipped('requires the rights of the stream')
  if (!kafka.hasTrials) return skipped('requires the rights of doctor')
  if (topics === undefined) return skipped('requires all topics')
  return await checked(within(finish), async () => {
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
