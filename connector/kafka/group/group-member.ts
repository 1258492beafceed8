import type { Admin } from 'kafkajs'
import { slotsCreation } from '../../placement/placement-config.ts'
import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { ensureTopic } from '../admin/topics.ts'
import { type AdminParts, closeConnection, destroyConnection, fencedAsFailed, withAdmin } from '../kafka-connection.ts'
import { KafkaCode, publishError } from '../kafka-errors.ts'
import { runSlotConsumer, type SlotConsumerParts, slotConsumer } from './slot-consumer.ts'

export type MemberParts = AdminParts &
  SlotConsumerParts & {
    /** Called about once for each heartbeat interval. */
    readonly onHeartbeat: () => void
  }

/**
 * Joins the group and stays a member. Resolves after `stop` has aborted and the group was left, within `closeMs`.
 * Rejects with `publish.*` when the membership is lost. All connections are closed in both cases.
 */
export async function beMember(parts: MemberParts, stop: AbortSignal): Promise<void> {
  await ensureSlots(parts, stop)
  const membership = linkedAbort(stop)
  const listeners = listenersUntil(membership.signal, parts)
  const client = parts.connect()
  const consumer = slotConsumer(client.kafka, { ...parts, on: listeners }, (error) => membership.abort(error))
  const running = runSlotConsumer(consumer, parts.topic)
  running.catch((error) => membership.abort(error))
  detectSilence(parts, listeners, membership.signal).catch((error) => membership.abort(error))
  await whenAborted(membership.signal)

  if (stop.aborted) {
    // Wait for the join: leaving earlier would keep a dead member in the group until its session expires.
    const disconnect = () => running.catch(() => undefined).then(() => consumer.disconnect())
    await closeConnection(parts, { client, disconnect })
  } else {
    destroyConnection({ client, disconnect: consumer.disconnect })
    throw memberError(parts, membership.signal.reason)
  }
}

/** Checks the slots topic, and creates it if it is missing and creation is allowed. */
async function ensureSlots(parts: MemberParts, stop: AbortSignal): Promise<void> {
  const { topic, settings, clock } = parts
  const wanted = {
    topic,
    ...slotsCreation(settings),
    mayCreate: settings.create !== undefined,
    acl: 'DESCRIBE',
  } as const
  const work = (admin: Admin) => ensureTopic(admin, wanted, { clock, stop })
  await withAdmin(parts, { operation: `open topic ${topic}`, work }, stop)
}

function memberError({ group, topic }: MemberParts, reason: unknown): ConnectorError {
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `DESCRIBE on topic ${topic}`,
    [KafkaCode.GROUP_AUTHORIZATION_FAILED]: `READ on group ${group}`,
  }
  return fencedAsFailed(publishError(`join group ${group}`, reason, needs))
}

/** Forwards events until `ended`: kafkajs emits some for a while after its connections are closed. */
function listenersUntil(ended: AbortSignal, { on }: MemberParts) {
  let answers = 0
  const whileMember =
    <Args extends unknown[]>(listener: (...args: Args) => void) =>
    (...args: Args) => {
      answers += 1
      if (!ended.aborted) listener(...args)
    }
  return {
    joined: whileMember(on.joined),
    heard: whileMember(on.heard),
    rebalancing: whileMember(on.rebalancing),
    /** How often the group has answered. */
    count: () => answers,
  }
}

/**
 * Rejects when the group has not answered for longer than the session and rebalance timeouts together: the connections
 * may be dead without an error. Counts heartbeat intervals instead of time, so that a process that stalled has the same
 * time to receive an answer.
 */
async function detectSilence(
  { clock, settings, onHeartbeat }: MemberParts,
  listeners: { count: () => number },
  ended: AbortSignal,
): Promise<void> {
  const { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs } = settings
  let answers = listeners.count()
  for (let unanswered = 0; unanswered * heartbeatMs <= sessionTimeoutMs + rebalanceTimeoutMs; unanswered += 1) {
    await clock.sleep(heartbeatMs, ended)
    if (answers !== listeners.count()) {
      answers = listeners.count()
      unanswered = 0
    }
    onHeartbeat()
  }
  throw new ConnectorError(
    'publish.unreachable',
    'the consumer group has not answered for longer than the session and rebalance timeouts',
  )
}
