import { DAY_MS } from '../../../checkpoint/valid-state.ts'
import type { ClusterView, TopicView } from '../../../kafka/admin/cluster-view.ts'
import type { TopicCreation } from '../../../kafka/kafka-config.ts'
import { type CheckResult, failed, ok, warning } from '../finding.ts'

/** Whether the cluster keeps commit records long enough to know what they decide. */
export function judgeRetention({ offsetsRetentionMs }: ClusterView): CheckResult {
  if (offsetsRetentionMs === undefined) {
    return warning(
      'offsets.retention.minutes is unknown: the ACL DESCRIBE_CONFIGS on the cluster is missing',
      'add it, or check that offsets.retention.minutes of the brokers is at least a day (1440)',
    )
  }
  const detail = `offsets.retention.minutes is ${Math.round(offsetsRetentionMs / 60_000)}`
  if (offsetsRetentionMs >= DAY_MS) return ok(detail)
  return failed('config.invalid', `${detail}: commit records expire too early`, 'set it to at least a day (1440)')
}

export interface TopicRequirements {
  readonly create: TopicCreation | undefined
  /** Maximum size of a batch, in bytes; undefined: batches are small. */
  readonly maxMessageBytes: number | undefined
  /** What is lost unless the topic is compacted; undefined: nothing. */
  readonly lost: string | undefined
  readonly brokers: number
}

/** Whether a topic exists, accepts the largest events, and keeps them. */
export function judgeTopic(topic: string, view: TopicView | undefined, required: TopicRequirements): CheckResult {
  if (view === undefined) {
    const { create } = required
    if (create === undefined) return failed('publish.topic-missing', `${topic} does not exist`)
    return ok(`${topic} does not exist yet; run creates it with ${partitionsText(create.partitions)}`)
  }
  const { partitions, copies, settings } = view
  const known = ['cleanup.policy', 'min.insync.replicas', 'max.message.bytes'].flatMap((name) => {
    const value = settings?.get(name)
    return value === undefined ? [] : [`${name} ${value}`]
  })
  const acl = `the ACL DESCRIBE_CONFIGS on topic ${topic} is missing`
  const hidden = settings === undefined ? [`its configuration is unknown: ${acl}`] : []
  const detail = [`${topic}: ${partitionsText(partitions)}`, `replication factor ${copies}`, ...known, ...hidden]
  return judgeSettings(view, required, detail.join(', '))
}

const partitionsText = (count: number) => `${count} ${count === 1 ? 'partition' : 'partitions'}`

function judgeSettings(
  view: TopicView,
  { maxMessageBytes, lost, brokers }: TopicRequirements,
  detail: string,
): CheckResult {
  const { copies, copiesInSync, settings } = view
  const number = (name: string) => Number(settings?.get(name) ?? Number.NaN)
  const inSync = number('min.insync.replicas')
  if (maxMessageBytes !== undefined && number('max.message.bytes') < maxMessageBytes) {
    const hint = 'lower kafka.maxMessageBytes, or raise max.message.bytes of the topic'
    return failed('publish.refused', `${detail}, less than kafka.maxMessageBytes ${maxMessageBytes}`, hint)
  }
  if (copiesInSync < inSync) {
    return failed(
      'publish.failed',
      `${detail}, but only ${copiesInSync} in-sync replicas`,
      'restart the missing brokers',
    )
  }
  if (brokers > 1 && (copies === 1 || inSync === 1)) {
    return warning(
      detail,
      'set replication factor 3 and min.insync.replicas 2: otherwise losing one broker loses events',
    )
  }
  if (lost !== undefined && settings?.get('cleanup.policy') === 'delete' && number('retention.ms') >= 0) {
    return warning(detail, `set cleanup.policy compact: otherwise ${lost}`)
  }
  return settings === undefined ? warning(detail, hintOfHidden(maxMessageBytes, { lost, brokers })) : ok(detail)
}

/** What an operator compares whose user may not see the configuration of a topic. */
function hintOfHidden(
  maxMessageBytes: number | undefined,
  { lost, brokers }: Pick<TopicRequirements, 'lost' | 'brokers'>,
) {
  const wanted = [
    ...(maxMessageBytes === undefined ? [] : [`max.message.bytes is at least ${maxMessageBytes}`]),
    ...(brokers > 1 ? ['min.insync.replicas is 2'] : []),
    ...(lost !== undefined ? ['cleanup.policy is compact'] : []),
  ]
  return `add it, or check yourself that ${wanted.join(' and ')}`
}
