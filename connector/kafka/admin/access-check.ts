import type { Admin } from 'kafkajs'
import { type AdminParts, withAdmin, withCluster } from '../kafka-connection.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import { produceNothing } from '../kafkajs/access-requests.ts'
import { type Cluster, GROUP_COORDINATOR, TRANSACTION_COORDINATOR } from '../kafkajs/cluster.ts'
import { describeOpenTransactions, describeTopic } from '../kafkajs/newer-requests.ts'
import type { RequestTarget } from '../kafkajs/protocol.ts'
import { type AskedAcl, aclText } from './acl.ts'
import { createTopic, type WantedTopic } from './topics.ts'

/**
 * Access checks without side effects. Their requests name a producer, a group member or a partition that does not exist:
 * the broker first checks the ACLs, and then rejects an authorized user for another reason. Topics need not exist.
 * Nothing changes, and running replicas are not affected.
 */

interface AccessQuestion {
  readonly acls: readonly AskedAcl[]
  /** Named in requests about a transactional id. */
  readonly topic: string
}

/** Resolves to those ACLs that this user does not have; asks for all at once. Rejects with `publish.*` or the reason of `stop`. */
export async function missingAcls(
  parts: AdminParts,
  { acls, topic }: AccessQuestion,
  stop: AbortSignal,
): Promise<AskedAcl[]> {
  const answers = await Promise.all(acls.map((acl) => isAllowed(parts, { acl, topic }, stop)))
  return acls.filter((_, at) => answers[at] === false)
}

function isAllowed(
  parts: AdminParts,
  { acl, topic }: { readonly acl: AskedAcl; readonly topic: string },
  stop: AbortSignal,
): Promise<boolean> {
  const { request, granted } = probeOf(acl, topic)
  const work = async (cluster: Cluster) => {
    try {
      await request(cluster)
      return true
    } catch (error) {
      if (hasKafkaCode(error, refusals[acl.resource])) return false
      if (!hasKafkaCode(error, ...granted)) throw error
      return true
    }
  }
  return withCluster(parts, { operation: `check the ACL ${aclText(acl)}`, needs: {}, work }, stop)
}

const refusals: Readonly<Record<AskedAcl['resource'], number>> = {
  topic: KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  group: KafkaCode.GROUP_AUTHORIZATION_FAILED,
  'transactional id': KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}

interface Probe {
  readonly request: (cluster: Cluster) => Promise<unknown>
  /** Error codes that only an authorized user gets. */
  readonly granted: readonly number[]
}

function probeOf({ resource, operation, name }: AskedAcl, topic: string): Probe {
  if (resource === 'transactional id')
    return { request: (cluster) => addToTransaction(cluster, { transactionalId: name, topic }), granted: noProducer }
  if (resource === 'group') return { request: (cluster) => beat(cluster, name), granted: noMember }
  const ask = topicRequests[operation]
  const request = async (cluster: Cluster) => {
    await cluster.refreshMetadata()
    return await ask(await cluster.findControllerBroker(), name)
  }
  return { request, granted: noPartition }
}

/** Any broker answers: it checks the ACL before it looks for the leader. */
const topicRequests = {
  WRITE: produceNothing,
  READ: (broker, topic) => describeOpenTransactions(broker, { topic, partitions: [0] }),
  DESCRIBE: describeTopic,
} as const satisfies Record<AskedAcl['operation'], (broker: RequestTarget, topic: string) => Promise<unknown>>

const noPartition = [KafkaCode.UNKNOWN_TOPIC_OR_PARTITION, KafkaCode.NOT_LEADER_OR_FOLLOWER]

const NO_PRODUCER_ID = '-1'

async function addToTransaction(
  cluster: Cluster,
  { transactionalId, topic }: { readonly transactionalId: string; readonly topic: string },
): Promise<unknown> {
  const transaction = { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR } as const
  const coordinator = await cluster.findGroupCoordinator(transaction)
  const topics = [{ topic, partitions: [0] }]
  return await coordinator.addPartitionsToTxn({
    transactionalId,
    producerId: NO_PRODUCER_ID,
    producerEpoch: 0,
    topics,
  })
}

/** The broker looks at the topic only after it has checked the ACL on the transactional id. */
const noProducer = [
  KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  KafkaCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaCode.INVALID_REQUEST,
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.INVALID_TXN_STATE,
  KafkaCode.INVALID_PRODUCER_ID_MAPPING,
  KafkaCode.PRODUCER_FENCED,
]

async function beat(cluster: Cluster, groupId: string): Promise<unknown> {
  const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR })
  return await coordinator.heartbeat({ groupId, groupGenerationId: 0, memberId: 'nobody' })
}

const noMember = [KafkaCode.ILLEGAL_GENERATION, KafkaCode.UNKNOWN_MEMBER_ID, KafkaCode.GROUP_ID_NOT_FOUND]

/** Whether this user may create the topic, which may exist. Rejects with `publish.*`, also if the brokers reject its shape. */
export function mayCreate(
  parts: AdminParts,
  wanted: Pick<WantedTopic, 'topic' | 'shape'>,
  stop: AbortSignal,
): Promise<boolean> {
  const work = async (admin: Admin) => {
    try {
      await createTopic(admin, wanted, { validateOnly: true })
      return true
    } catch (error) {
      const { TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED } = KafkaCode
      if (hasKafkaCode(error, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED)) return false
      throw error
    }
  }
  return withAdmin(parts, { operation: `validate the creation of topic ${wanted.topic}`, work }, stop)
}
