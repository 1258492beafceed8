import { slotsTopic } from '../placement/placement-config.ts'
import { mayUseGroup } from '../publish/kafka-rights.ts'
import { type ClusterView, viewCluster } from '../publish/kafka-view.ts'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import type { DoctorParts } from './doctor-parts.ts'
import { after, type Findings, failed, type Judgement, judged, ok, skipped } from './finding.ts'
import { judgeRetention } from './judge-kafka.ts'

/** What was found of Kafka, but for the streams. */
export interface KafkaFound {
  readonly findings: Findings
  /** Undefined: it could not be reached. */
  readonly cluster: ClusterView | undefined
  /** Runs one after the other: they share doctor's transactional id. */
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>
}

/** Whether the cluster answers, keeps notes long enough, and lets replicas share the streams. Never rejects. */
export async function checkKafka(parts: DoctorParts, patience: AbortSignal): Promise<KafkaFound> {
  const waiting = { patience, late: 'publish.unreachable' } as const
  let cluster: ClusterView | undefined
  const kafka = await judged(waiting, async () => {
    cluster = await viewCluster(parts.admin, patience).catch(notReached)
    return ok(`cluster ${cluster.clusterId}, ${cluster.brokers} ${cluster.brokers === 1 ? 'broker' : 'brokers'}`)
  })
  const placement = await after(kafka, 'Kafka', () => judged(waiting, () => checkPlacement(parts, patience)))
  const retention =
    cluster === undefined ? skipped('Kafka is needed') : judgeRetention(cluster, parts.config.offsetsRetentionMs)
  return { findings: { kafka, 'note retention': retention, placement }, cluster, inTurn: queue() }
}

/** At the first words exchanged, a bare error means that whoever listens there does not answer like a broker. */
function notReached(error: unknown): never {
  if (codeOf(error) !== 'publish.failed') throw error
  throw new ConnectorError('publish.unreachable', 'describe the cluster: nobody there answers like a broker')
}

async function checkPlacement({ config, admin, viewReplicas }: DoctorParts, patience: AbortSignal): Promise<Judgement> {
  const { connector, placement } = config
  if (placement.mode === 'single') return ok('single: this process runs all streams')
  await mayUseGroup(admin, connector, patience)
  const view = await viewReplicas(patience)
  const topic = slotsTopic(connector, placement)
  const slots = view?.slots ?? 0
  const replicas = view?.members.length ?? 0
  if (slots > 0) return ok(`group ${connector} with ${replicas} replicas, ${slots} slots in ${topic}`)
  if (placement.create !== undefined) return ok(`${topic} does not exist yet: run creates it, if it may`)
  return failed(
    'publish.topic-missing',
    `${topic} does not exist`,
    'create it, with placement.slots.partitions partitions',
  )
}

function queue(): KafkaFound['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
}
