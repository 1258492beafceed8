import { AsyncLocalStorage } from 'node:async_hooks'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface AddPartitionsRequest {
  readonly topics: readonly TopicPartitions[]
}

/** The part of kafkajs' broker that adds partitions to a transaction. */
export interface TransactionCoordinator {
  addPartitionsToTxn(request: AddPartitionsRequest): Promise<unknown>
}

interface PartitionPlan {
  readonly topics: readonly TopicPartitions[]
  registering: Promise<unknown> | undefined
  isGivenUp: boolean
}

const currentPlan = new AsyncLocalStorage<PartitionPlan>()

/**
 * Runs `work`, whose first request that adds a partition to the transaction adds all of these: each such request costs
 * a write to Kafka's transaction log.
 */
export function planningPartitions<Result>(
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  work: () => Promise<Result>,
): Promise<Result> {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  const topics = [...byTopic].map(([topic, ofTopic]) => ({ topic, partitions: ofTopic }))
  return currentPlan.run({ topics, registering: undefined, isGivenUp: false }, work)
}

/** Makes kafkajs follow the plan; by itself it adds the partitions of each `send` in a separate request. */
export function followPlans(coordinator: TransactionCoordinator): void {
  const original = coordinator.addPartitionsToTxn
  coordinator.addPartitionsToTxn = async function addPartitionsToTxn(this: TransactionCoordinator, request) {
    const plan = currentPlan.getStore()
    if (plan === undefined || plan.isGivenUp) return await original.call(this, request)
    plan.registering ??= original.call(this, { ...request, topics: plan.topics })
    try {
      return await plan.registering
    } catch (error) {
      plan.registering = undefined
      if (hasKafkaCode(error, KafkaCode.CONCURRENT_TRANSACTIONS)) throw error // kafkajs retries
      plan.isGivenUp = true
      return await original.call(this, request) // separately, so that the error concerns only this partition
    }
  }
}
