import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import {
  followPlans,
  planningPartitions,
  type TransactionCoordinator,
} from '../../../../connector/kafka/kafkajs/planned-partitions.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error')

/** A coordinator that responds with the next of `answers` to each request, and with success after the last. */
function coordinator(...answers: (Error | undefined)[]) {
  const requests: string[] = []
  const broker: TransactionCoordinator = {
    addPartitionsToTxn: async ({ topics }) => {
      requests.push(topics.map(({ topic, partitions }) => `${topic}:${partitions.join('+')}`).join(' '))
      const error = answers.shift()
      if (error !== undefined) throw error
    },
  }
  followPlans(broker)
  const add = (topic: string, partition: number) =>
    broker.addPartitionsToTxn({ topics: [{ topic, partitions: [partition] }] })
  return { requests, add }
}

const plan = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 2 },
  { topic: 'b', partition: 1 },
]

it('adds all planned partitions in the first request and sends no further one', async () => {
  const { requests, add } = coordinator()
  await planningPartitions(plan, async () => {
    await Promise.all([add('a', 2), add('a', 0)])
    await add('b', 1)
  })
  expect(requests).toEqual(['a:0+2 b:1'])
})

it('sends one request for each plan, and changes nothing without a plan', async () => {
  const { requests, add } = coordinator()
  await planningPartitions(plan, () => add('a', 0))
  await planningPartitions(plan, () => add('a', 0))
  await add('a', 0)
  expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1', 'a:0'])
})

it('adds all of them again when the markers of the previous transaction were still being written', async () => {
  const { requests, add } = coordinator(createErrorFromCode(51))
  await planningPartitions(plan, async () => {
    await expect(add('a', 0)).rejects.toMatchObject({ code: 51 })
    await add('a', 0)
    await add('b', 1)
  })
  expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1'])
})

it('adds each partition separately after any other error, which then concerns only one partition', async () => {
  const { requests, add } = coordinator(createErrorFromCode(55), undefined, createErrorFromCode(29))
  await planningPartitions(plan, async () => {
    await add('a', 0)
    await expect(add('b', 1)).rejects.toMatchObject({ code: 29 })
  })
  expect(requests).toEqual(['a:0+2 b:1', 'a:0', 'b:1'])
})
