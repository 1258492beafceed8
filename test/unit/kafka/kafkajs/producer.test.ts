import type { Transaction } from 'kafkajs'
import { expect, it } from 'vitest'
import { initialized, observeIdentities } from '../../../../connector/kafka/kafkajs/producer.ts'

it('reports the identity of a producer and its coordinator, and rejects when no producer was initialized', async () => {
  const broker = {
    initProducerId: async (_request: unknown) => ({ producerId: '7', producerEpoch: 2 }),
    findGroupCoordinator: async () => ({ coordinator: { nodeId: 1 } }),
  }
  observeIdentities(broker)
  const unused = { abort: async () => {} } as Transaction
  const connect = async () => {}
  const transaction = async () => {
    await broker.initProducerId({})
    return unused
  }
  const identity = { producerId: '7', producerEpoch: 2 }
  expect(await initialized({ connect, transaction })).toEqual({ identity, coordinator: broker })
  await expect(initialized({ connect, transaction: async () => unused })).rejects.toThrow('unsupported kafkajs')
})
