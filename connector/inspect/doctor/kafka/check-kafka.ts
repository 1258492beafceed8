import { missingAcls } from '../../../kafka/admin/access-check.ts'
import { aclsOfNames, aclsOfPlacement, missingText } from '../../../kafka/admin/acl.ts'
import { type ClusterView, viewCluster } from '../../../kafka/admin/cluster-view.ts'
import { topicCure } from '../../../kafka/admin/topics.ts'
import { slotsCreation, slotsTopic } from '../../../placement/placement-config.ts'
import type { DoctorParts } from '../doctor-parts.ts'
import { after, type CheckResult, type CheckResults, checked, failed, ok, skipped, warning } from '../finding.ts'
import { aclsHint, findTopic } from './find-topic.ts'
import { judgeRetention } from './judge-kafka.ts'

/** The checks of Kafka that do not depend on a stream. */
export interface KafkaChecks {
  readonly results: CheckResults
  /** Undefined: the cluster could not be reached. */
  readonly cluster: ClusterView | undefined
  /** Whether this user may run trial transactions. */
  readonly hasTrials: boolean
  /** Runs trial transactions one after the other, because they share doctor's transactional id. */
  readonly inSequence: <Result>(work: () => Promise<Result>) => Promise<Result>
}

/** Checks that the cluster answers, keeps commit records long enough, and has what placement needs. Never rejects. */
export async function checkKafka(parts: DoctorParts, finish: AbortSignal): Promise<KafkaChecks> {
  const limit = { finish, timeoutCode: 'publish.unreachable' } as const
  let cluster: ClusterView | undefined
  const kafka = await checked(limit, async () => {
    cluster = await viewCluster(parts.admin, finish)
    return ok(`cluster ${cluster.clusterId}, ${cluster.brokers} ${cluster.brokers === 1 ? 'broker' : 'brokers'}`)
  })
  const [placement, trials] = await Promise.all([
    after(kafka, 'Kafka', () => checked(limit, () => checkPlacement(parts, finish))),
    after(kafka, 'Kafka', () => checked(limit, () => checkOwnAcls(parts, finish))),
  ])
  const retention = cluster === undefined ? skipped('requires Kafka') : judgeRetention(cluster)
  const results = { kafka, 'offsets retention': retention, placement, ...(trials.verdict === 'ok' ? {} : { trials }) }
  return { results, cluster, hasTrials: trials.verdict === 'ok', inSequence: sequence() }
}

/** Whether this user may run trial transactions. */
async function checkOwnAcls({ admin, names }: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  const missing = await missingAcls(admin, { acls: aclsOfNames(names), topic: names.transactionalId }, finish)
  if (missing.length === 0) return ok('allowed')
  return warning(
    `no trial transaction: ${missingText(missing)}`,
    'add them for a trial transaction; `run` does not need them',
  )
}

async function checkPlacement(parts: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  const { connector, placement } = parts.config
  if (placement.mode === 'single') return ok('single: one process runs all streams')
  const topic = slotsTopic(connector, placement)
  const wanted = { topic, ...slotsCreation(placement), mayCreate: placement.create !== undefined }
  const acls = aclsOfPlacement(connector, topic)
  const [asked, found] = await Promise.all([
    missingAcls(parts.admin, { acls, topic }, finish),
    findTopic(parts.admin, wanted, finish),
  ])
  const missing = [...asked, ...found.missing]
  if (missing.length > 0) return failed('publish.unauthorized', missingText(missing), aclsHint)
  if (found.kind === 'exists') return await checkGroup(parts, topic, finish)
  if (wanted.mayCreate) return ok(`${topic} does not exist yet; run creates it`)
  return failed('publish.topic-missing', `${topic} does not exist`, topicCure(wanted))
}

async function checkGroup(
  { config: { connector }, viewReplicas }: DoctorParts,
  topic: string,
  finish: AbortSignal,
): Promise<CheckResult> {
  const { slots = 0, members = [] } = (await viewReplicas(finish)) ?? {}
  const replicas = members.length === 1 ? '1 replica' : `${members.length} replicas`
  return ok(`group ${connector} with ${replicas}, ${slots} slots in ${topic}`)
}

function sequence(): KafkaChecks['inSequence'] {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work, work)
    last = next
    return next
  }
}
