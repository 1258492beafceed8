import type { StreamNames, TopicLayout } from '../../publish/event-publisher.ts'
import type { AdminParts } from '../kafka-connection.ts'
import { withCluster } from '../kafka-connection.ts'
import { hasKafkaCode, KafkaCode, type NeededAcls } from '../kafka-errors.ts'
import { type Cluster, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { describeOpenTransactions } from '../kafkajs/newer-requests.ts'
import { leadersOf } from '../reading/partition-reads.ts'

/**
 * Access checks without side effects. Their requests name a producer or group member that does not exist: the broker
 * first checks the ACLs, and then rejects an authorized user for another reason. Nothing changes, and running replicas
 * are not affected.
 */

/** The checks of all permissions that a stream needs, by its names and existing topics. They run at once. */
export const streamAccess = (
  parts: AdminParts,
  { names, topics }: { readonly names: StreamNames; readonly topics: readonly TopicLayout[] },
  stop: AbortSignal,
): Promise<void>[] => [
  mayUseGroup(parts, names.recordGroup, stop),
  ...topics.map(({ topic }) => mayPublish(parts, { transactionalId: names.transactionalId, topic }, stop)),
  ...topics.map((topic) => maySeeTransactions(parts, topic, stop)),
]

/**
 * Resolves if this user has WRITE on the transactional id and on the topic, which must exist. Rejects with `publish.*`
 * or the reason of `stop`.
 */
function mayPublish(
  parts: AdminParts,
  { transactionalId, topic }: { transactionalId: string; topic: string },
  stop: AbortSignal,
): Promise<void> {
  const needs = {
    [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `WRITE on topic ${topic}`,
    [KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: `WRITE on transactional id ${transactionalId}`,
  }
  const probe = async (cluster: Cluster) => {
    const coordinator = await cluster.findGroupCoordinator({
      groupId: transactionalId,
      coordinatorType: TRANSACTION_COORDINATOR,
    })
    const topics = [{ topic, partitions: [0] }]
    await coordinator.addPartitionsToTxn({ transactionalId, producerId: NO_PRODUCER_ID, producerEpoch: 0, topics })
  }
  const operation = `check access to transactional id ${transactionalId} and topic ${topic}`
  return checkAccess(parts, { operation, needs, probe, expectedErrors: unknownProducer }, stop)
}

/** Resolves if this user has READ on the group. Rejects with `publish.*` or the reason of `stop`. */
export function mayUseGroup(parts: AdminParts, groupId: string, stop: AbortSignal): Promise<void> {
  const needs = { [KafkaCode.GROUP_AUTHORIZATION_FAILED]: `READ on group ${groupId}` }
  const probe = async (cluster: Cluster) => {
    const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
    await coordinator.heartbeat({ groupId, groupGenerationId: 0, memberId: 'nobody' })
  }
  const operation = `check access to group ${groupId}`
  return checkAccess(parts, { operation, needs, probe, expectedErrors: unknownMember }, stop)
}

/**
 * Resolves if this user has READ on the topic, which finding hanging transactions needs. Rejects with `publish.*` or
 * the reason of `stop`.
 */
function maySeeTransactions(parts: AdminParts, layout: TopicLayout, stop: AbortSignal): Promise<void> {
  const { topic } = layout
  const needs = { [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: `READ on topic ${topic}` }
  const probe = async (cluster: Cluster) => {
    const [led] = await leadersOf(cluster, layout)
    if (led !== undefined) await describeOpenTransactions(led.broker, led)
  }
  return checkAccess(parts, { operation: `check access to topic ${topic}`, needs, probe, expectedErrors: [] }, stop)
}

const NO_PRODUCER_ID = '-1'
const unknownProducer = [
  KafkaCode.INVALID_REQUEST,
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.INVALID_TXN_STATE,
  KafkaCode.INVALID_PRODUCER_ID_MAPPING,
  KafkaCode.PRODUCER_FENCED,
]
const unknownMember = [KafkaCode.ILLEGAL_GENERATION, KafkaCode.UNKNOWN_MEMBER_ID, KafkaCode.GROUP_ID_NOT_FOUND]

interface AccessCheck {
  readonly operation: string
  readonly needs: NeededAcls
  readonly probe: (cluster: Cluster) => Promise<void>
  /** Error codes that only an authorized user gets. */
  readonly expectedErrors: readonly number[]
}

function checkAccess(
  parts: AdminParts,
  { probe, expectedErrors, ...check }: AccessCheck,
  stop: AbortSignal,
): Promise<void> {
  const work = async (cluster: Cluster) => {
    try {
      await probe(cluster)
    } catch (error) {
      if (!hasKafkaCode(error, ...expectedErrors)) throw error
    }
  }
  return withCluster(parts, { ...check, work }, stop)
}
