import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Message } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { type ProduceOrder, produceRequest } from '../../../../connector/kafka/kafkajs/produce-request.ts'

const load = createRequire(import.meta.url)
const original = load('kafkajs/src/protocol/requests/produce/v3/request')
const wholeRequest = load('kafkajs/src/protocol/request')

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
  const message = fc.record(
    {
      key: fc.oneof(fc.constant(null), bytes),
      value: fc.oneof(fc.constant(null), bytes),
      headers: fc.dictionary(fc.string({ minLength: 1 }), text, { maxKeys: 3 }),
      timestamp: fc.constant('1767225600000'),
    },
    { requiredKeys: ['key', 'value', 'timestamp'] },
  )
  const messages = fc.array(message, { minLength: 1, maxLength: 5 })

  it('writes the same bytes as kafkajs for the records that the connector sends', async () => {
    const isOwn = produceRequest((given) => ({ ...original(given), encode: () => Promise.reject(new Error('unused')) }))
    await fc.assert(
      fc.asyncProperty(messages, fc.constantFrom(1, 50), async (some, times) => {
        const given = order(Array.from({ length: times }, () => some).flat())
        expect((await bytesOf(isOwn(given))).equals(await bytesOf(original(given)))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('compresses the records as kafkajs does', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (some) => {
        const given = order(some, { compression: 1 })
        expect((await bytesOf(produceRequest(original)(given))).equals(await bytesOf(original(given)))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('writes the same bytes outside of transactions', async () => {
    const given = order([{ key: null, value: Buffer.from('a'), timestamp: '1' }], { transactionalId: null })
    expect(await bytesOf(produceRequest(original)(given))).toEqual(await bytesOf(original(given)))
  })

  const plain = { key: Buffer.from('a'), value: Buffer.from('b'), timestamp: '1' }
  const withMessage = (one: object) => order([plain, { ...plain, ...one }])
  const [topic] = order([plain]).topicData
  it.each([
    ['a text key', withMessage({ key: 'a' })],
    ['a text value', withMessage({ value: 'b' })],
    ['a binary header', withMessage({ headers: { a: Buffer.from('b') } })],
    ['two timestamps', withMessage({ timestamp: '2' })],
    ['no timestamp', order([{ ...plain, timestamp: undefined } as unknown as Message])],
    ['two topics', order([], { topicData: topic === undefined ? [] : [topic, topic] })],
    [
      'two partitions',
      order([], {
        topicData: [{ topic: 'a', partitions: topic?.partitions.toSpliced(0, 0, ...topic.partitions) ?? [] }],
      }),
    ],
  ])('leaves a request with %s to kafkajs', (_what, given) => {
    const request = original(given)
    expect(produceRequest(() => request)(given)).toBe(request)
  })
})
