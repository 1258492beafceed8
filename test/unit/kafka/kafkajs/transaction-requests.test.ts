import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import {
  groupedMessages,
  observeTransactions,
  sendingTo,
  type TransactionBroker,
  type WrittenPartitions,
  withIdentity,
} from '../../../../connector/kafka/kafkajs/transaction-requests.ts'

const group = createRequire(import.meta.url)('kafkajs/src/producer/groupMessagesPerPartition')
const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error')

/** A coordinator that responds with the next of `answers` to each request, and with success after the last. */
function coordinator(...answers: (Error | undefined)[]) {
  const requests: string[] = []
  const broker: TransactionBroker = {
    initProducerId: async () => ({ producerId: '7', producerEpoch: 2 }),
    findGroupCoordinator: async () => ({ coordinator: { nodeId: 1 } }),
    produce: async () => undefined,
    connectionPool: { send: () => Promise.reject(new Error('not expected')) },
    addPartitionsToTxn: async ({ topics }) => {
      requests.push(topics.map(({ topic, partitions }) => `${topic}:${partitions.join('+')}`).join(' '))
      const error = answers.shift()
      if (error !== undefined) throw error
    },
  }
  observeTransactions(broker)
  const add = (topic: string, partition: number) =>
    broker.addPartitionsToTxn({ topics: [{ topic, partitions: [partition] }] })
  return { broker, requests, add }
}

const plan = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 2 },
  { topic: 'b', partition: 1 },
]

describe('sendingTo', () => {
  it('adds all planned partitions in the first request and sends no further one', async () => {
    const { requests, add } = coordinator()
    await sendingTo(plan, [], async () => {
      await Promise.all([add('a', 2), add('a', 0)])
      await add('b', 1)
    })
    expect(requests).toEqual(['a:0+2 b:1'])
  })

  it('sends one request for each call, and changes nothing outside of a call', async () => {
    const { requests, add } = coordinator()
    await sendingTo(plan, [], () => add('a', 0))
    await sendingTo(plan, [], () => add('a', 0))
    await add('a', 0)
    expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1', 'a:0'])
  })

  it('adds all of them again when the markers of the previous transaction were still being written', async () => {
    const { requests, add } = coordinator(createErrorFromCode(51))
    await sendingTo(plan, [], async () => {
      await expect(add('a', 0)).rejects.toMatchObject({ code: 51 })
      await add('a', 0)
      await add('b', 1)
    })
    expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1'])
  })

  it('adds each partition separately after any other error, which then concerns only one partition', async () => {
    const { requests, add } = coordinator(createErrorFromCode(55), undefined, createErrorFromCode(29))
    await sendingTo(plan, [], async () => {
      await add('a', 0)
      await expect(add('b', 1)).rejects.toMatchObject({ code: 29 })
    })
    expect(requests).toEqual(['a:0+2 b:1', 'a:0', 'b:1'])
  })

  it('collects the partitions that were written to, by the broker that led them', async () => {
    const [one, other] = [coordinator().broker, coordinator().broker]
    const to = (...partitions: number[]) => ({
      topicData: [{ topic: 'a', partitions: partitions.map((partition) => ({ partition })) }],
    })
    const written: WrittenPartitions[] = []
    await sendingTo(plan, written, async () => {
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
})

it('reports the identity of a producer and its coordinator, and rejects when no producer was initialized', async () => {
  const { broker } = coordinator()
  const { result, ...initialized } = await withIdentity(async () => {
    await broker.initProducerId({})
    return 'started'
  })
  expect(result).toBe('started')
  expect(initialized).toEqual({ identity: { producerId: '7', producerEpoch: 2 }, coordinator: broker })
  await expect(withIdentity(async () => {})).rejects.toThrow('unsupported kafkajs')
})

it('gives kafkajs the same groups as an array of messages', () => {
  const messages = ['a', 'b', 'c'].map((value) => ({ value, partition: 4 }))
  let choices = 0
  const partitioner = ({ message }: { message: { partition: number } }) => {
    choices += 1
    return message.partition
  }
  const grouping = { topic: 'events', partitionMetadata: [{}], partitioner }
  const grouped = group({ ...grouping, messages: groupedMessages(messages, 4) })
  expect(choices).toBe(0)
  expect(grouped).toEqual(group({ ...grouping, messages }))
  expect([...groupedMessages(messages, 4)]).toEqual(messages)
})
