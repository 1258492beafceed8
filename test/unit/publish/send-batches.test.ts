import type { Message, RecordMetadata } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { type PartitionChunk, sendBatches } from '../../../connector/publish/send-batches.ts'

const message = (value: string): Message => ({ value })
const batch = (partition: number, ...chunks: string[][]) => ({
  topic: 'events',
  partition,
  chunks: chunks.map((values) => values.map(message)),
})
const answerTo = ({ topic, partition }: PartitionChunk): RecordMetadata[] => [
  { topicName: topic, partition, errorCode: 0 },
]
const isGivenUp = () => false

describe('sendBatches', () => {
  it('never sends two chunks of a partition at once, and the partitions beside each other', async () => {
    const pending = new Map<number, PromiseWithResolvers<void>>()
    const sent: string[] = []
    const send = async (chunk: PartitionChunk) => {
      expect(pending.has(chunk.partition)).toBe(false)
      const gate = Promise.withResolvers<void>()
      pending.set(chunk.partition, gate)
      sent.push(`${chunk.partition}:${chunk.messages.map(({ value }) => value).join()}`)
      await gate.promise
      pending.delete(chunk.partition)
      return answerTo(chunk)
    }
    const done = sendBatches([batch(0, ['a'], ['b']), batch(1, ['c'])], { send, isGivenUp })
    expect(sent).toEqual(['0:a', '1:c'])
    pending.get(0)?.resolve()
    pending.get(1)?.resolve()
    await until(() => sent.length === 3)
    expect(sent).toEqual(['0:a', '1:c', '0:b'])
    pending.get(0)?.resolve()
    await done
  })

  it.each([
    ['nothing', []],
    ['another partition', [{ topicName: 'events', partition: 1, errorCode: 0 }]],
    ['another topic', [{ topicName: 'dlq', partition: 0, errorCode: 0 }]],
    ['an error', [{ topicName: 'events', partition: 0, errorCode: 6 }]],
    ['one partition too many', [0, 1].map((partition) => ({ topicName: 'events', partition, errorCode: 0 }))],
  ])('rejects when the answer is about %s', async (_what, answer) => {
    const sending = sendBatches([batch(0, ['a'])], { send: async () => answer, isGivenUp })
    await expect(sending).rejects.toMatchObject({ code: 'publish.failed' })
  })

  it('rejects with the first error, begins nothing after it, and waits for what is under way', async () => {
    const gate = Promise.withResolvers<void>()
    const sent: number[] = []
    const send = async (chunk: PartitionChunk) => {
      sent.push(chunk.partition)
      if (chunk.partition === 0) throw new Error('first')
      await gate.promise
      return answerTo(chunk)
    }
    let isSettled = false
    const sending = sendBatches([batch(0, ['a'], ['b']), batch(1, ['c'], ['d'])], { send, isGivenUp })
    const settled = sending.catch((error) => error).finally(() => (isSettled = true))
    await Promise.resolve()
    expect(isSettled).toBe(false)
    gate.resolve()
    expect(await settled).toMatchObject({ message: 'first' })
    expect(sent).toEqual([0, 1])
  })

  it('begins nothing more once it is given up', async () => {
    let sent = 0
    const send = async (chunk: PartitionChunk) => {
      sent += 1
      return answerTo(chunk)
    }
    await sendBatches([batch(0, ['a'], ['b'], ['c'])], { send, isGivenUp: () => sent >= 1 })
    expect(sent).toBe(1)
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns++) {
    if (turns > 100) throw new Error('it never came')
    await Promise.resolve()
  }
}
