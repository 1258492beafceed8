import { expect, it } from 'vitest'
import {
  noting,
  observeTransactions,
  type TransactionBroker,
  type WrittenPartitions,
  withIdentity,
} from '../../../../connector/kafka/kafkajs/transaction-requests.ts'

function leader(): TransactionBroker {
  const broker: TransactionBroker = {
    initProducerId: async () => ({ producerId: '7', producerEpoch: 2 }),
    findGroupCoordinator: async () => ({ coordinator: { nodeId: 1 } }),
    produce: async () => undefined,
    connectionPool: { send: () => Promise.reject(new Error('not expected')) },
  }
  observeTransactions(broker)
  return broker
}

it('collects the partitions that were written to, by the broker that led them', async () => {
  const [one, other] = [leader(), leader()]
  const to = (...partitions: number[]) => ({
    topicData: [{ topic: 'a', partitions: partitions.map((partition) => ({ partition })) }],
  })
  const written: WrittenPartitions[] = []
  await noting(written, async () => {
    await one.produce(to(0))
    await one.produce(to(0, 2))
    await other.produce(to(1))
  })
  await one.produce(to(3))
  expect(written).toEqual([
    { leader: one, topic: 'a', partitions: new Set([0, 2]) },
    { leader: other, topic: 'a', partitions: new Set([1]) },
  ])
})

it('reports the identity of a producer and its coordinator, and rejects when no producer was initialized', async () => {
  const broker = leader()
  const { result, ...initialized } = await withIdentity(async () => {
    await broker.initProducerId({})
    return 'started'
  })
  expect(result).toBe('started')
  expect(initialized).toEqual({ identity: { producerId: '7', producerEpoch: 2 }, coordinator: broker })
  await expect(withIdentity(async () => {})).rejects.toThrow('unsupported kafkajs')
})
