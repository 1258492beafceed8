import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Message } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import type { OwnRecord } from '../../../../connector/kafka/cluster.ts'
import { patchKafkaJs } from '../../../../connector/kafka/kafkajs/kafkajs-patches.ts'
import {
  type EncoderContent,
  ownMessages,
  type ProduceOrder,
  produceRequest,
} from '../../../../connector/kafka/kafkajs/produce-request.ts'

// Random records are encoded by our code and by kafkajs, and the bytes are compared.

const load = createRequire(import.meta.url)
const original = load('kafkajs/src/protocol/requests/produce/v3/request')
const wholeRequest = load('kafkajs/src/protocol/request')
const group = load('kafkajs/src/producer/groupMessagesPerPartition')

const plain = { key: null, value: Buffer.from('a'), timestamp: '1', headers: {} }
const order = (messages: readonly Message[], more: Partial<ProduceOrder> = {}): ProduceOrder => ({
  acks: -1,
  timeout: 30_000,
  transactionalId: 'connector.stream',
  producerId: '4611686018427387904',
  producerEpoch: 3,
  topicData: [{ topic: 'clients', partitions: [{ partition: 5, firstSequence: 7, messages }] }],
  ...more,
})

const bytesOf = async (request: unknown): Promise<Buffer> =>
  (await wholeRequest({ correlationId: 9, clientId: 'connector.stream', request })).buffer

describe('produceRequest', () => {
  const repeated = fc.constantFrom(63, 64, 8_191, 8_192).map((length) => 'a'.repeat(length))
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), repeated)
  const bytes = text.map((value) => Buffer.from(value))
  const message: fc.Arbitrary<OwnRecord> = fc.record({
    key: fc.oneof(fc.constant(null), bytes),
    value: fc.oneof(fc.constant(null), bytes),
    headers: fc.dictionary(fc.string({ minLength: 1 }), text, { maxKeys: 3 }),
    timestamp: fc.constant('1767225600000'),
  })
  const messages = fc.array(message, { minLength: 1, maxLength: 5 })

  test('writes the same bytes as kafkajs for the records that the connector sends', async () => {
    const isOwn = produceRequest((given) => ({ ...original(given), encode: () => Promise.reject(new Error('unused')) }))
    await fc.assert(
      fc.asyncProperty(messages, fc.constantFrom(1, 50), async (some, times) => {
        const given = order(ownMessages(Array.from({ length: times }, () => some).flat(), 5))
        expect((await bytesOf(isOwn(given))).equals(await bytesOf(original(given)))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('compresses the records as kafkajs does', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (some) => {
        const given = order(ownMessages(some, 5), { compression: 1 })
        expect((await bytesOf(produceRequest(original)(given))).equals(await bytesOf(original(given)))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('lets kafkajs write its headers before the records without a copy, if the client id is not long', async () => {
    patchKafkaJs()
    await fc.assert(
      fc.asyncProperty(messages, fc.constantFrom(1, 9, 498, 499, 502, 503, 600), async (some, length) => {
        const given = order(ownMessages(some, 5))
        const clientId = 'c'.repeat(length)
        const encoded: EncoderContent[] = []
        const request = produceRequest(original)(given)
        const encode = async () => {
          const body = await request.encode()
          encoded.push(body)
          return body
        }
        for (const correlationId of [1, 2]) {
          const whole = await wholeRequest({ correlationId, clientId, request: { ...request, encode } })
          const expected = await wholeRequest({ correlationId, clientId, request: original(given) })
          expect(whole.buffer.equals(expected.buffer)).toBe(true)
          expect(whole.buf.buffer === encoded.at(-1)?.buf.buffer).toBe(length < 499)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('leaves other requests to kafkajs', () => {
    const given = order([{ key: 'a', value: 'b', timestamp: '1' }])
    const request = original(given)
    expect(produceRequest(() => request)(given)).toBe(request)
  })
})

test('gives kafkajs the same groups as an array of messages', () => {
  const records = ['a', 'b', 'c'].map((value) => ({ ...plain, value: Buffer.from(value), partition: 4 }))
  let choices = 0
  const partitioner = ({ message }: { message: { partition: number } }) => {
    choices += 1
    return message.partition
  }
  const grouping = { topic: 'events', partitionMetadata: [{}], partitioner }
  const grouped = group({ ...grouping, messages: ownMessages(records, 4) })
  expect(choices).toBe(0)
  expect(grouped).toEqual({ 4: expect.objectContaining({ length: 3 }) })
  expect([...grouped[4]]).toEqual(group({ ...grouping, messages: records })[4])
})
