import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import {
  followPlans,
  planningPartitions,
  type TransactionCoordinator,
} from '../../../../connector/publish/kafkajs/planned-partitions.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error')

/** A coordinator that answers each request by the next of `answers`, then with success. */
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

it('adds all planned partitions with the first request, and asks no more for the others', async () => {
  const { requests, add } = coordinator()
  await planningPartitions(plan, async () => {
    await Promise.all([add('a', 2), add('a', 0)])
    await add('b', 1)
  })
  expect(requests).toEqual(['a:0+2 b:1'])
})

it('begins anew with each plan, and changes nothing without one', async () => {
  const { requests, add } = coordinator()
  await planningPartitions(plan, () => add('a', 0))
  await planningPartitions(plan, () => add('a', 0))
  await add('a', 0)
  expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1', 'a:0'])
})

it('adds them together again after the marks of the transaction before were still being written', async () => {
  const { requests, add } = coordinator(createErrorFromCode(51))
  await planningPartitions(plan, async () => {
    await expect(add('a', 0)).rejects.toMatchObject({ code: 51 })
    await add('a', 0)
    await add('b', 1)
  })
  expect(requests).toEqual(['a:0+2 b:1', 'a:0+2 b:1'])
})

it('adds each alone after any other failure, so that the error is about the partition that is to blame', async () => {
  const { requests, add } = coordinator(createErrorFromCode(55), undefined, createErrorFromCode(29))
  await planningPartitions(plan, async () => {
    await add('a', 0)
    await expect(add('b', 1)).rejects.toMatchObject({ code: 29 })
  })
  expect(requests).toEqual(['a:0+2 b:1', 'a:0', 'b:1'])
})
