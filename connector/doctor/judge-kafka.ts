import type { TopicCreation } from '../publish/kafka-config.ts'
import type { ClusterView, TopicView } from '../publish/kafka-view.ts'
import { failed, type Judgement, ok, skipped, warning } from './finding.ts'

/** Whether the cluster keeps notes for as long as the setting says; both in milliseconds. */
export function judgeRetention({ offsetsRetentionMs }: ClusterView, configuredMs: number): Judgement {
  if (offsetsRetentionMs === undefined) {
    return skipped('offsets.retention.minutes cannot be seen: that needs DESCRIBE_CONFIGS on the cluster')
  }
  const minutes = Math.round(offsetsRetentionMs / 60_000)
  const seen = `offsets.retention.minutes is ${minutes}, kafka.offsetsRetention ${Math.round(configuredMs / 60_000)} minutes`
  const cure = `set kafka.offsetsRetention to ${minutes}m`
  if (configuredMs > offsetsRetentionMs)
    return failed('config.invalid', `${seen}: notes go earlier than expected`, cure)
  return configuredMs === offsetsRetentionMs ? ok(seen) : warning(seen, cure)
}

export interface TopicWishes {
  readonly create: TopicCreation | undefined
  /** The largest batch that is sent, in bytes. */
  readonly maxMessageBytes: number
  /** Whether readers build a state from it: then it should not forget. */
  readonly isState: boolean
  readonly brokers: number
}

/** Whether a topic is there, takes what will be sent, and keeps it. */
export function judgeTopic(topic: string, view: TopicView | undefined, wishes: TopicWishes): Judgement {
  if (view === undefined) {
    const { create } = wishes
    if (create === undefined) return failed('publish.topic-missing', `${topic} does not exist`)
    return ok(`${topic} does not exist yet: run creates it, with ${create.partitions} partitions, if it may`)
  }
  const { partitions, copies, settings } = view
  const about = ['cleanup.policy', 'min.insync.replicas', 'max.message.bytes'].flatMap((name) => {
    const value = settings?.get(name)
    return value === undefined ? [] : [`${name} ${value}`]
  })
  const hidden = settings === undefined ? ['its settings need DESCRIBE_CONFIGS to be seen'] : []
  const seen = [
    `${topic}: ${partitions} partitions`,
    `${copies} ${copies === 1 ? 'copy' : 'copies'}`,
    ...about,
    ...hidden,
  ]
  return judgeSettings(view, wishes, seen.join(', '))
}

function judgeSettings(view: TopicView, { maxMessageBytes, isState, brokers }: TopicWishes, seen: string): Judgement {
  const { copies, copiesInSync, settings } = view
  const number = (name: string) => Number(settings?.get(name) ?? Number.NaN)
  const inSync = number('min.insync.replicas')
  if (number('max.message.bytes') < maxMessageBytes) {
    const cure = 'lower kafka.maxMessageBytes, or raise max.message.bytes of the topic'
    return failed('publish.refused', `${seen}, less than kafka.maxMessageBytes ${maxMessageBytes}`, cure)
  }
  if (copiesInSync < inSync) {
    return failed('publish.failed', `${seen}, but only ${copiesInSync} in sync`, 'bring the missing brokers back')
  }
  if (brokers > 1 && (copies === 1 || inSync === 1)) {
    return warning(seen, 'a lost broker loses events: give the topic 3 copies and min.insync.replicas 2')
  }
  if (isState && settings?.get('cleanup.policy') === 'delete' && number('retention.ms') >= 0) {
    return warning(
      seen,
      'clients that do not change disappear after retention.ms: cleanup.policy compact keeps the newest',
    )
  }
  return ok(seen)
}
