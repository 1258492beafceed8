import type { Consumer, Kafka } from 'kafkajs'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import { ensureTopic } from '../admin/topics.ts'
import type { Cluster } from '../cluster.ts'
import { type ConnectionParts, closeConnection, destroyConnection, tryOnCluster } from '../kafka-connection.ts'
import { publishError } from '../kafka-errors.ts'
import { retryOptions } from '../kafka-times.ts'
import { type StickyAssignerParts, slotCount, stickyAssigner } from './sticky-assigner.ts'

export interface MemberParts extends ConnectionParts, StickyAssignerParts {
  readonly create: Extract<PlacementConfig, { mode: 'group' }>['create']
  readonly group: string
  readonly onJoined: (slots: readonly number[], slotCount: number, tookMs: number) => void
}

/**
 * Joins the group and stays a member. Resolves after `stop` has aborted and the group was left, within `closeMs`.
 * Rejects with `publish.*` when the membership is lost. All connections are closed in both cases.
 */
export async function beMember(parts: MemberParts, stop: AbortSignal): Promise<void> {
  const { topic, group, create, clock } = parts
  const ensure = (cluster: Cluster) => ensureTopic(cluster, { topic, create, acl: 'DESCRIBE' }, { clock, stop })
  await tryOnCluster(parts, { operation: `open topic ${topic}`, work: ensure }, stop)
  const membership = linkedAbort(stop)
  const onJoined: MemberParts['onJoined'] = (...joined) => {
    // kafkajs emits some events for a while after its connections are closed.
    if (!membership.signal.aborted) parts.onJoined(...joined)
  }
  const client = parts.newClient()
  const consumer = slotConsumer(client.kafka, { ...parts, onJoined }, (error) => membership.abort(error))
  const join = async () => {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
  }
  const joining = join()
  joining.catch((error) => membership.abort(error))
  await whenAborted(membership.signal)

  if (stop.aborted) {
    // This waits for the join: leaving earlier would keep a dead member in the group until its session expires.
    const disconnect = () => joining.catch(() => undefined).then(() => consumer.disconnect())
    await closeConnection(parts, { client, disconnect })
    return
  }
  destroyConnection({ client, disconnect: consumer.disconnect })
  const needs = {
    TOPIC_AUTHORIZATION_FAILED: `DESCRIBE on topic ${topic}`,
    GROUP_AUTHORIZATION_FAILED: `READ on group ${group}`,
  }
  throw publishError(`join group ${group}`, membership.signal.reason, needs)
}

/** A consumer with all partitions paused notices at most this late that a heartbeat is due. */
const maxWaitMs = 250
/** A member notices at most this late that partitions were added to the topic. */
const topicMaxAgeMs = 60_000

/**
 * Creates a group member that never reads: all partitions are paused before the first fetch. It does not restart
 * itself.
 */
function slotConsumer(kafka: Kafka, parts: MemberParts, onCrash: (error: Error) => void): Consumer {
  const { group, topic, onJoined } = parts
  const assigner = stickyAssigner(parts)
  let slotsNow = () => 0
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [
      (config) => {
        slotsNow = () => slotCount(config.cluster, topic)
        return assigner(config)
      },
    ],
    sessionTimeout: groupDefaults.sessionTimeoutMs,
    rebalanceTimeout: groupDefaults.rebalanceTimeoutMs,
    heartbeatInterval: groupDefaults.heartbeatMs,
    maxWaitTimeInMs: maxWaitMs,
    metadataMaxAge: topicMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { ...retryOptions('group'), restartOnFailure: async () => false },
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment, duration } }) => {
    consumer.pause([{ topic }])
    const slots = (memberAssignment[topic] ?? []).toSorted((one, other) => one - other)
    onJoined(slots, slotsNow(), duration)
  })
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => onCrash(error))
  return consumer
}
