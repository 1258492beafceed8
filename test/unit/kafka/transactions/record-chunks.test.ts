import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../../../connector/event/client-event.ts'
import { partitionOf } from '../../../../connector/kafka/partitioner.ts'
import {
  chunksByPartition,
  type PartitionChunk,
  sendChunks,
} from '../../../../connector/kafka/transactions/record-chunks.ts'
import { codeOf } from '../../../../connector/runtime/connector-error.ts'
import { sentEvent } from '../../../support/records.ts'

// Batches are made and sent through a function that the test controls.

const layout = (partitions: number, maxMessageBytes = 1_000_000) => ({
  events: { topic: 'events', partitions },
  deadLetters: { topic: 'dlq', partitions: 1 },
  maxMessageBytes,
  publishedAt: 1_700_000_000_000,
})
const event = sentEvent

test('sends a tombstone to its partition, after the event with its key, without a value and with its own headers', () => {
  const headers = { ce_type: 'client.erased' }
  const partition = partitionOf(Buffer.from('a'), 50)
  const gone = (to: number) => ({ target: 'events' as const, partition: to, key: 'a', value: null, headers })
  const batches = chunksByPartition([event('a', '1'), gone(partition), gone(partition + 1)], layout(50))
  expect(batches.map(([one]) => one?.partition)).toEqual([partition, partition + 1])
  const messages = batches[0]?.flatMap((chunk) => chunk.records) ?? []
  expect(messages.map(({ value }) => value && String(value))).toEqual(['1', null])
  expect(messages[1]?.headers).toEqual(headers)
})

test('begins a new chunk before a chunk exceeds nine tenths of the size limit', () => {
  const large = chunksByPartition(
    Array.from({ length: 5 }, () => event('a', 'x'.repeat(400))),
    layout(1, 1_000),
  )
  expect(large[0]?.map((chunk) => chunk.records.length)).toEqual([1, 1, 1, 1, 1])
})

/** What a record takes beside its key and its value. */
const overheadOf = ({ headers }: OutgoingRecord) =>
  Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length + 4, 36)

test('counts the size in bytes, and sends a record in its own chunk when it just fits', () => {
  const room = 1_000 - overheadOf(event('a', '')) - 1
  const fits = chunksByPartition([event('a', '1'), event('a', 'é'.repeat(Math.floor(room / 2)))], layout(1, 1_000))
  expect(fits[0]?.map((chunk) => chunk.records.length)).toEqual([1, 1])
  const tooLarge = () => chunksByPartition([event('a', 'é'.repeat(room / 2 + 1))], layout(1, 1_000))
  expect(tooLarge).toThrow(/exceeds the limit/)
  expect(codeOf(captured(tooLarge))).toBe('publish.refused')
})

test('reports neither key nor value of a record that is too large', () => {
  const error = captured(() => chunksByPartition([event('secret-id', 'secret-value'.repeat(100))], layout(1, 1_000)))
  expect(String(error)).not.toContain('secret')
})

function captured(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

const batch = (partition: number, ...chunks: string[]): PartitionChunk[] =>
  chunks.map((value) => ({
    topic: 'events',
    partition,
    records: [{ key: null, value: Buffer.from(value), timestamp: '1700000000000', headers: {} }],
  }))
const answerTo = ({ topic, partition }: PartitionChunk) => [{ topicName: topic, partition, errorCode: 0 }]
const isClosed = () => false

describe('sendChunks', () => {
  test('sends the chunks of one partition one after another, and the partitions in parallel', async () => {
    const pending = new Map<number, PromiseWithResolvers<void>>()
    const sent: string[] = []
    const send = async (chunk: PartitionChunk) => {
      expect(pending.has(chunk.partition)).toBe(false)
      const gate = Promise.withResolvers<void>()
      pending.set(chunk.partition, gate)
      sent.push(`${chunk.partition}:${chunk.records.map(({ value }) => value).join()}`)
      await gate.promise
      pending.delete(chunk.partition)
      return answerTo(chunk)
    }
    const done = sendChunks([batch(0, 'a', 'b'), batch(1, 'c')], { send, isClosed })
    expect(sent).toEqual(['0:a', '1:c'])
    pending.get(0)?.resolve()
    pending.get(1)?.resolve()
    await until(() => sent.length === 3)
    expect(sent).toEqual(['0:a', '1:c', '0:b'])
    pending.get(0)?.resolve()
    await done
  })

  test.each([
    ['nothing', []],
    ['another partition', [{ topicName: 'events', partition: 1, errorCode: 0 }]],
    ['another topic', [{ topicName: 'dlq', partition: 0, errorCode: 0 }]],
    ['an error', [{ topicName: 'events', partition: 0, errorCode: 6 }]],
    ['one partition too many', [0, 1].map((partition) => ({ topicName: 'events', partition, errorCode: 0 }))],
  ])('rejects when the response covers %s', async (_what, answer) => {
    const sending = sendChunks([batch(0, 'a')], { send: async () => answer, isClosed })
    await expect(sending).rejects.toMatchObject({ code: 'publish.failed' })
  })

  test('rejects with the first error, starts no request after it, and waits for the requests in flight', async () => {
    const gate = Promise.withResolvers<void>()
    const sent: number[] = []
    const send = async (chunk: PartitionChunk) => {
      sent.push(chunk.partition)
      if (chunk.partition === 0) throw new Error('first')
      await gate.promise
      return answerTo(chunk)
    }
    let isSettled = false
    const sending = sendChunks([batch(0, 'a', 'b'), batch(1, 'c', 'd')], { send, isClosed })
    const settled = sending.catch((error) => error).finally(() => (isSettled = true))
    await Promise.resolve()
    expect(isSettled).toBe(false)
    gate.resolve()
    expect(await settled).toMatchObject({ message: 'first' })
    expect(sent).toEqual([0, 1])
  })

  test('starts no further request when it is given up', async () => {
    let sent = 0
    const send = async (chunk: PartitionChunk) => {
      sent += 1
      return answerTo(chunk)
    }
    await sendChunks([batch(0, 'a', 'b', 'c')], { send, isClosed: () => sent >= 1 })
    expect(sent).toBe(1)
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let attempts = 0; !isTrue(); attempts++) {
    if (attempts > 100) throw new Error('the condition never became true')
    await Promise.resolve()
  }
}
