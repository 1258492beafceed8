import type { Admin } from 'kafkajs'
import type { PlacementConfig } from '../../placement/placement-config.ts'
import { linkedAbort, whenAborted } from '../../runtime/abort.ts'
import { ensureTopic } from '../admin/topics.ts'
import { type AdminParts, closeConnection, destroyConnection, fencedAsFailed, withAdmin } from '../kafka-connection.ts'
import { publishError } from '../kafka-errors.ts'
import { runSlotConsumer, type SlotConsumerParts, slotConsumer } from './slot-consumer.ts'

export interface MemberParts extends AdminParts, SlotConsumerParts {
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
  const onJoined: MemberParts['onJoined'] = (joined) => {
    // kafkajs emits some events for a while after its connections are closed.
    if (!membership.signal.aborted) parts.onJoined(joined)
  }
  const client = parts.connect()
  const consumer = slotConsumer(client.kafka, { ...parts, onJoined }, (error) => membership.abort(error))
  const running = runSlotConsumer(consumer, topic)
  running.catch((error) => membership.abort(error))
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
