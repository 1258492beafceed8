import { retry } from '../runtime/retry.ts'
import { hasKafkaCode, type NeededAcls } from './classify-kafka-error.ts'
import { type AdminParts, withConnection } from './kafka-session.ts'
import { type Cluster, clusterOf, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from './kafkajs/kafka-cluster.ts'

/**
 * Finds out whether this user may do something by requests that the brokers have to refuse for another reason if he may: they come from
 * nobody's producer and nobody's member. So nothing changes, and whoever runs is not disturbed.
 */

/** Resolves if this user may WRITE with the transactional id and to the topic, which must exist. Rejects with `publish.*` or the reason of `stop`. */
export function mayPublish(
  parts: AdminParts,
  { transactionalId, topic }: { transactionalId: string; topic: string },
  stop: AbortSignal,
): Promise<void> {
  const needs = { 29: `WRITE on topic ${topic}`, 53: `WRITE on transactional id ${transactionalId}` }
  const ask = async (cluster: Cluster) => {
    const coordinator = await cluster.findGroupCoordinator({
      groupId: transactionalId,
      coordinatorType: TRANSACTION_COORDINATOR,
    })
    const topics = [{ topic, partitions: [0] }]
    await coordinator.addPartitionsToTxn({ transactionalId, producerId: NOBODY, producerEpoch: 0, topics })
  }
  return mayDo(parts, { operation: `ask about topic ${topic}`, needs, ask, otherwise: [48, 49, 90, 47, 42] }, stop)
}

/** Resolves if this user may READ in the group. Rejects with `publish.*` or the reason of `stop`. */
export function mayUseGroup(parts: AdminParts, groupId: string, stop: AbortSignal): Promise<void> {
  const needs = { 30: `READ on group ${groupId}` }
  const ask = async (cluster: Cluster) => {
    const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
    await coordinator.heartbeat({ groupId, groupGenerationId: 0, memberId: 'nobody' })
  }
  return mayDo(parts, { operation: `ask about group ${groupId}`, needs, ask, otherwise: [22, 25, 69] }, stop)
}

const NOBODY = '-1'

interface Question {
  readonly operation: string
  readonly needs: NeededAcls
  readonly ask: (cluster: Cluster) => Promise<void>
  /** The codes of a refusal that has nothing to do with rights. */
  readonly otherwise: readonly number[]
}

function mayDo(parts: AdminParts, { operation, needs, ask, otherwise }: Question, stop: AbortSignal): Promise<void> {
  const work = async (cluster: Cluster) => {
    try {
      await ask(cluster)
    } catch (error) {
      if (!otherwise.some((code) => hasKafkaCode(error, code))) throw error
    }
  }
  const use = { operation, needs, open: clusterOf, work }
  const again = { clock: parts.clock, policy: coordinatorRetry, onRetry: () => undefined }
  return retry(() => withConnection(parts, use, stop), again, stop)
}

/** A coordinator that is used for the first time takes a moment. */
const coordinatorRetry = { retries: 8, firstPauseMs: 100, maxPauseMs: 1000, maxRetryAfterMs: 0 }
