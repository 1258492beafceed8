import type { Admin } from 'kafkajs'
import { groupDefaults, type PlacementConfig } from '../../placement/placement-config.ts'
import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { ensureTopic } from '../admin/topics.ts'
import { type AdminParts, closeConnection, destroyConnection, fencedAsFailed, withAdmin } from '../kafka-connection.ts'
import { publishError } from '../kafka-errors.ts'
import { runSlotConsumer, type SlotConsumerParts, slotConsumer } from './slot-consumer.ts'

export interface MemberParts extends AdminParts, Omit<SlotConsumerParts, 'onAnswer'> {
  readonly create: Extract<PlacementConfig, { mode: 'group' }>['create']
}

/**
 * Joins the group and stays a member. Resolves after `stop` has aborted and the group was left, within `closeMs`.
 * Rejects with `publish.*` when the membership is lost. All connections are closed in both cases.
 */
export async function beMember(parts: MemberParts, stop: AbortSignal): Promise<void> {
  const { topic, group } = parts
  await ensureSlots(parts, stop)
  const membership = linkedAbort(stop)
  let answers = 0
  const onAnswer = () => {
    answers += 1
  }
  const onJoined: MemberParts['onJoined'] = (joined) => {
    // kafkajs emits some events for a while after its connections are closed.
    if (!membership.signal.aborted) parts.onJoined(joined)
  }
  const client = parts.connect()
  const consumer = slotConsumer(client.kafka, { ...parts, onJoined, onAnswer }, (error) => membership.abort(error))
  const running = runSlotConsumer(consumer, topic)
  running.catch((error) => membership.abort(error))
  detectSilence(parts, () => answers, membership.signal).catch((error) => membership.abort(error))
  await whenAborted(membership.signal)

  if (stop.aborted) {
    // Wait for the join: leaving earlier would keep a dead member in the group until its session expires.
    const disconnect = () => running.catch(() => undefined).then(() => consumer.disconnect())
    await closeConnection(parts, { client, disconnect })
    return
  }
  destroyConnection({ client, disconnect: consumer.disconnect })
  const needs = {
    TOPIC_AUTHORIZATION_FAILED: `DESCRIBE on topic ${topic}`,
    GROUP_AUTHORIZATION_FAILED: `READ on group ${group}`,
  }
  throw fencedAsFailed(publishError(`join group ${group}`, membership.signal.reason, needs))
}

/** Checks the slots topic, and creates it if it is missing and creation is allowed. */
async function ensureSlots(parts: MemberParts, stop: AbortSignal): Promise<void> {
  const { topic, create, clock } = parts
  const work = (admin: Admin) => ensureTopic(admin, { topic, create, acl: 'DESCRIBE' }, { clock, stop })
  await withAdmin(parts, { operation: `open topic ${topic}`, work }, stop)
}

/**
 * Rejects when the group has not answered for longer than the session and rebalance timeouts together: the connections
 * may be dead without an error. Counts heartbeat intervals instead of time, so that a process that stalled has the same
 * time to receive an answer.
 */
async function detectSilence({ clock }: MemberParts, answersSoFar: () => number, ended: AbortSignal): Promise<void> {
  const { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs } = groupDefaults
  let answers = answersSoFar()
  for (let unanswered = 0; unanswered * heartbeatMs <= sessionTimeoutMs + rebalanceTimeoutMs; unanswered += 1) {
    await clock.sleep(heartbeatMs, ended)
    if (answers !== answersSoFar()) unanswered = 0
    answers = answersSoFar()
  }
  const limit = 'longer than the session and rebalance timeouts'
  throw new ConnectorError('publish.failed', `the consumer group has not answered for ${limit}`)
}
