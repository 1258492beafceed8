import type { ClusterView, TopicView } from '../../../kafka/admin/cluster-view.ts'
import { allowCreation, type TopicShape, topicCure } from '../../../kafka/admin/topics.ts'
import type { TopicCreation } from '../../../kafka/kafka-config.ts'
import { type CheckResult, failed, ok, skipped, warning } from '../finding.ts'

/** Whether the cluster keeps commit records as long as configured; milliseconds. */
export function judgeRetention({ offsetsRetentionMs }: ClusterView, configuredMs: number): CheckResult {
  if (offsetsRetentionMs === undefined) {
    return skipped('offsets.retention.minutes is not visible: it requires DESCRIBE_CONFIGS on the cluster')
  }
  const minutes = Math.round(offsetsRetentionMs / 60_000)
  const detail = `offsets.retention.minutes is ${minutes}, kafka.offsetsRetention is ${Math.round(configuredMs / 60_000)} minutes`
  const hint = `set kafka.offsetsRetention to ${minutes}m`
  if (configuredMs > offsetsRetentionMs)
    return failed('config.invalid', `${detail}: commit records expire earlier than expected`, hint)
  return configuredMs === offsetsRetentionMs ? ok(detail) : warning(detail, hint)
}

export interface TopicRequirements {
  readonly create: TopicCreation | undefined
  /** How an operator creates it. */
  readonly shape: TopicShape
  /** Maximum size of a batch, in bytes. */
  readonly maxMessageBytes: number
  /** Whether consumers rebuild their state from the topic, which must then keep the newest event of each client. */
  readonly isState: boolean
  readonly brokers: number
}

/** Whether a topic exists, accepts the largest events, and keeps them. */
export function judgeTopic(topic: string, view: TopicView | undefined, required: TopicRequirements): CheckResult {
  if (view === undefined) {
    const { create } = required
    if (create === undefined) {
      const cure = topicCure({ topic, shape: required.shape, alternative: allowCreation })
      return failed('publish.topic-missing', `${topic} does not exist`, cure)
    }
    return ok(`${topic} does not exist yet; run creates it with ${create.partitions} partitions`)
  }
  const { partitions, copies, settings } = view
  const known = ['cleanup.policy', 'min.insync.replicas', 'max.message.bytes'].flatMap((name) => {
    const value = settings?.get(name)
    return value === undefined ? [] : [`${name} ${value}`]
  })
  const hidden = settings === undefined ? ['its configuration is not visible without DESCRIBE_CONFIGS'] : []
  const detail = [`${topic}: ${partitions} partitions`, `replication factor ${copies}`, ...known, ...hidden]
  return judgeSettings(view, required, detail.join(', '))
}

function judgeSettings(
  view: TopicView,
  { maxMessageBytes, isState, brokers }: TopicRequirements,
  detail: string,
): CheckResult {
  const { copies, copiesInSync, settings } = view
  const number = (name: string) => Number(settings?.get(name) ?? Number.NaN)
  const inSync = number('min.insync.replicas')
  if (number('max.message.bytes') < maxMessageBytes) {
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
  if (isState && settings?.get('cleanup.policy') === 'delete' && number('retention.ms') >= 0) {
    return warning(
      detail,
      'set cleanup.policy compact: otherwise the events of unchanged clients are deleted after retention.ms',
    )
  }
  return ok(detail)
}
