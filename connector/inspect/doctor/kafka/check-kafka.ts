import { type ClusterView, viewCluster, viewTopic } from '../../../kafka/admin/cluster-view.ts'
import { accessGroup } from '../../../kafka/admin/stream-access.ts'
import { validateCreation } from '../../../kafka/admin/topics.ts'
import { slotsTopic } from '../../../placement/placement-config.ts'
import type { DoctorParts } from '../doctor-parts.ts'
import { after, type CheckResult, type CheckResults, checked, failed, ok, skipped } from '../finding.ts'
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
  const limit = { finish, timeoutCode: 'publish.failed' } as const
  let cluster: ClusterView | undefined
  const kafka = await checked(limit, async () => {
    cluster = await viewCluster(parts.admin, finish)
    return ok(`cluster ${cluster.clusterId}, ${cluster.brokers} ${cluster.brokers === 1 ? 'broker' : 'brokers'}`)
  })
  const placement = await after(kafka, 'Kafka', () => checked(limit, () => checkPlacement(parts, finish)))
  const retention = cluster === undefined ? skipped('requires Kafka') : judgeRetention(cluster)
  return { results: { kafka, 'offsets retention': retention, placement }, cluster, inSequence: sequence() }
}

async function checkPlacement({ config, admin }: DoctorParts, finish: AbortSignal): Promise<CheckResult> {
  const { connector, placement } = config
  if (placement.mode === 'single') return ok('single: one process runs all streams')
  const topic = slotsTopic(connector)
  await accessGroup(admin, connector, finish)
  const found = await viewTopic(admin, { topic, acl: 'DESCRIBE' }, finish)
  if (found !== undefined) return ok(`group ${connector}, ${found.partitions} slots in ${topic}`)
  if (placement.create === undefined) return failed('publish.topic-missing', `${topic} does not exist`)
  await validateCreation(admin, { topic, shape: placement.create }, finish)
  return ok(`group ${connector}; ${topic} does not exist yet; run creates it`)
}

function sequence(): KafkaChecks['inSequence'] {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work, work)
    last = next
    return next
  }
}
