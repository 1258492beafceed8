import { mayUseGroup } from '../../kafka/admin/access-check.ts'
import { type ClusterView, viewCluster } from '../../kafka/admin/cluster-view.ts'
import { topicCure } from '../../kafka/admin/topics.ts'
import { differenceText } from '../../placement/hashed-settings.ts'
import { slotsCreation, slotsTopic } from '../../placement/placement-config.ts'
import type { DoctorParts } from './doctor-parts.ts'
import { after, type CheckResult, type CheckResults, checked, failed, ok, skipped, warning } from './finding.ts'
import { judgeRetention } from './judge-kafka.ts'

/** The checks of Kafka that do not depend on a stream. */
export interface KafkaChecks {
  readonly results: CheckResults
  /** Undefined: the cluster could not be reached. */
  readonly cluster: ClusterView | undefined
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
  const placement = await after(kafka, 'Kafka', () => checked(limit, () => checkPlacement(parts, finish)))
  const retention =
    cluster === undefined ? skipped('requires Kafka') : judgeRetention(cluster, parts.config.offsetsRetentionMs)
  return { results: { kafka, 'offsets retention': retention, placement }, cluster, inSequence: sequence() }
}

async function checkPlacement({ config, admin, viewReplicas }: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  const { connector, placement } = config
  if (placement.mode === 'single') return ok('single: one process runs all streams')
  await mayUseGroup(admin, connector, finish)
  const view = await viewReplicas(finish)
  const topic = slotsTopic(connector, placement)
  const slots = view?.slots ?? 0
  const members = view?.members ?? []
  const replicas = members.length === 1 ? '1 replica' : `${members.length} replicas`
  const detail = `group ${connector} with ${replicas}, ${slots} slots in ${topic}`
  const different = members.flatMap(({ replica, difference }) =>
    difference === undefined ? [] : [`${replica} has another configuration: ${differenceText(difference)}`],
  )
  if (different.length > 0)
    return warning([detail, ...different].join('; '), 'give all replicas and this command the same configuration')
  if (slots > 0) return ok(detail)
  if (placement.create !== undefined) return ok(`${topic} does not exist yet; run creates it if it has permission`)
  return failed('publish.topic-missing', `${topic} does not exist`, topicCure({ topic, ...slotsCreation(placement) }))
}

function sequence(): KafkaChecks['inSequence'] {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work, work)
    last = next
    return next
  }
}
