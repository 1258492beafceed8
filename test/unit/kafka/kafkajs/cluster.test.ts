import type { Transaction } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Broker, Cluster } from '../../../../connector/kafka/cluster.ts'
import { initializeProducer } from '../../../../connector/kafka/kafkajs/cluster.ts'

// A scripted cluster stands for the internals of kafkajs.

test('reports the identity of a producer and its coordinator, and rejects when no producer was initialized', async () => {
  const identity = { producerId: '7', producerEpoch: 2 }
  const broker = { initProducerId: async () => ({ ...identity, errorCode: 0 }) } as unknown as Broker
  const find: Cluster['findGroupCoordinator'] = async () => broker
  const cluster = { findGroupCoordinator: find }
  const unused = { abort: async () => {} } as Transaction
  const connect = async () => {}
  const transaction = async () => {
    await (await cluster.findGroupCoordinator({ groupId: 'c.s', coordinatorType: 1 })).initProducerId({})
    return unused
  }
  const initializedProducer = await initializeProducer({ connect, transaction }, cluster)
  expect(initializedProducer).toEqual({ identity, coordinatorFinder: broker })
  expect(initializedProducer.coordinatorFinder).toBe(broker)
  expect(cluster.findGroupCoordinator).toBe(find)
  const idle = { connect, transaction: async () => unused }
  await expect(initializeProducer(idle, cluster)).rejects.toThrow('unsupported kafkajs')
})
