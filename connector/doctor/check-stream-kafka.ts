import { randomUUID } from 'node:crypto'
import type { Destination } from '../publish/event-publisher.ts'
import { mayPublish, mayUseGroup } from '../publish/kafka-rights.ts'
import { type TopicView, viewTopic } from '../publish/kafka-view.ts'
import { trialTransaction } from '../publish/trial-transaction.ts'
import { codeOf } from '../runtime/connector-error.ts'
import type { KafkaFound } from './check-kafka.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { type Findings, failed, type Judgement, judged, ok, skipped } from './finding.ts'
import { judgeTopic } from './judge-kafka.ts'

/** What was found of one stream's Kafka. */
export interface StreamKafkaFound {
  readonly findings: Findings
  /** Undefined: the events' topic is not there, or it is not known. */
  readonly destination: Destination | undefined
}

interface Asked {
  readonly stream: StreamUnderTest
  readonly kafka: KafkaFound
}

/** Whether the topics are there and the user may do all that the stream does. Never rejects. */
export async function checkStreamKafka(
  parts: DoctorParts,
  asked: Asked,
  patience: AbortSignal,
): Promise<StreamKafkaFound> {
  const { cluster } = asked.kafka
  if (cluster === undefined) {
    const none = skipped('Kafka is needed')
    return { findings: { topic: none, 'dead letters': none, rights: none, transaction: none }, destination: undefined }
  }
  const { events, deadLetters } = asked.stream.config.kafka.topic
  const [topic, dead] = await Promise.all([
    lookAt(parts, { ...asked, topic: events, isState: true }, patience),
    lookAt(parts, { ...asked, topic: deadLetters, isState: false }, patience),
  ])
  const there = [topic.view, dead.view].flatMap((view) => view?.topic ?? [])
  const [rights, transaction] = await Promise.all([
    checkRights(parts, { ...asked, topics: there }, patience),
    topic.view === undefined ? skipped('the topic is needed') : checkTransaction(parts, asked, patience),
  ])
  const { clusterId } = cluster
  return {
    findings: { topic: topic.finding, 'dead letters': dead.finding, rights, transaction },
    destination: topic.view && { clusterId, topic: events, partitions: topic.view.partitions },
  }
}

const waitingFor = (patience: AbortSignal) => ({ patience, late: 'publish.unreachable' }) as const

async function lookAt(
  { admin }: DoctorParts,
  { stream, kafka, topic, isState }: Asked & { topic: string; isState: boolean },
  patience: AbortSignal,
): Promise<{ finding: Judgement; view: TopicView | undefined }> {
  const { maxMessageBytes, topic: configured } = stream.config.kafka
  const wishes = { create: configured.create, maxMessageBytes, isState, brokers: kafka.cluster?.brokers ?? 1 }
  let view: TopicView | undefined
  const finding = await judged(waitingFor(patience), async () => {
    view = await viewTopic(admin, topic, patience)
    return judgeTopic(topic, view, wishes)
  })
  return { finding, view }
}

/** Asks for everything at once, so that all missing ACLs are told together. */
async function checkRights(
  { admin }: DoctorParts,
  { stream, topics }: Asked & { topics: readonly string[] },
  patience: AbortSignal,
): Promise<Judgement> {
  const { transactionalId, noteGroup } = stream.names
  if (stream.config.kafka.delivery !== 'exactly-once') {
    return skipped('at least once: whether the topics may be written to shows only by writing')
  }
  return await judged(waitingFor(patience), async () => {
    const answers = await Promise.allSettled([
      mayUseGroup(admin, noteGroup, patience),
      ...topics.map((topic) => mayPublish(admin, { transactionalId, topic }, patience)),
    ])
    const errors: Error[] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
    const missing = errors.filter((error) => codeOf(error) === 'publish.unauthorized')
    if (errors.length > missing.length) throw errors.find((error) => !missing.includes(error))
    if (missing.length === 0) {
      const written =
        topics.length === 0 ? '' : `, WRITE on transactional id ${transactionalId} and ${topics.join(', ')}`
      return ok(`READ on group ${noteGroup}${written}`)
    }
    return failed(
      'publish.unauthorized',
      missing.map(({ message }) => message).join('; '),
      'add the ACLs that are named',
    )
  })
}

function checkTransaction(
  { admin, names }: DoctorParts,
  { stream, kafka }: Asked,
  patience: AbortSignal,
): Promise<Judgement> {
  if (stream.config.kafka.delivery !== 'exactly-once') return Promise.resolve(skipped('at least once: there is none'))
  return judged(waitingFor(patience), async () => {
    const parts = { ...admin, config: stream.config.kafka, names }
    try {
      await kafka.inTurn(() => trialTransaction(parts, randomUUID(), patience))
    } catch (error) {
      if (codeOf(error) !== 'publish.fenced') throw error
      return failed('publish.fenced', 'somebody else uses the same id at this moment', 'run one doctor at a time')
    }
    return ok(`${names.transactionalId} committed a note in group ${names.noteGroup}, and no record`)
  })
}
