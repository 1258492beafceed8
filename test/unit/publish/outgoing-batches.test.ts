import { expect, it } from 'vitest'
import type { OutgoingRecord } from '../../../connector/publish/event-publisher.ts'
import { partitionBatches } from '../../../connector/publish/outgoing-batches.ts'
import { partitionOf } from '../../../connector/publish/partition.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'

const layout = (partitions: number, maxMessageBytes = 1_000_000) => ({
  events: { topic: 'events', partitions },
  deadLetters: { topic: 'dlq', partitions: 1 },
  maxMessageBytes,
  publishedAt: 1_700_000_000_000,
})
const event = (key: string, value: string): OutgoingRecord => ({ to: 'events', key, value })

it('keeps the order of the records of each partition, over all chunks', () => {
  const records = Array.from({ length: 9_000 }, (_, index) => event(`${index % 100}`, `${index}`))
  const batches = partitionBatches(records, layout(3))
  expect(batches.flatMap(({ chunks }) => chunks.flat())).toHaveLength(9_000)
  for (const { partition, chunks } of batches) {
    const expected = records.filter(({ key }) => partitionOf(Buffer.from(key ?? ''), 3) === partition)
    expect(chunks.flat().map(({ value }) => value)).toEqual(expected.map(({ value }) => value))
  }
})

it('begins a new chunk at 2000 records, and before nine tenths of the size limit are exceeded', () => {
  const many = partitionBatches(
    Array.from({ length: 4_001 }, () => event('a', '1')),
    layout(1),
  )
  expect(many[0]?.chunks.map(({ length }) => length)).toEqual([2_000, 2_000, 1])

  const large = partitionBatches(
    Array.from({ length: 5 }, () => event('a', 'x'.repeat(400))),
    layout(1, 1_000),
  )
  expect(large[0]?.chunks.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1])
})

it('counts the size in bytes, and takes a record that just fits alone', () => {
  const room = 1_000 - 80 - 1
  const fits = partitionBatches([event('a', '1'), event('a', 'é'.repeat(Math.floor(room / 2)))], layout(1, 1_000))
  expect(fits[0]?.chunks.map(({ length }) => length)).toEqual([1, 1])
  const tooLarge = () => partitionBatches([event('a', 'é'.repeat(room / 2 + 1))], layout(1, 1_000))
  expect(tooLarge).toThrow(/above the limit/)
  expect(codeOf(captured(tooLarge))).toBe('publish.refused')
})

it('puts events and dead letters into their own topics with their own content type and the publish time', () => {
  const batches = partitionBatches([event('a', '1'), { to: 'deadLetters', key: null, value: '2' }], layout(1))
  expect(batches).toEqual([
    { topic: 'events', partition: 0, bytes: 82, chunks: [[sent('a', '1', 'application/cloudevents+json')]] },
    { topic: 'dlq', partition: 0, bytes: 81, chunks: [[sent(null, '2', 'application/json')]] },
  ])
})

it('does not name the key or the value of a record that is too large', () => {
  const error = captured(() => partitionBatches([event('secret-id', 'secret-value'.repeat(100))], layout(1, 1_000)))
  expect(String(error)).not.toContain('secret')
})

const sent = (key: string | null, value: string, contentType: string) => ({
  key: key === null ? null : Buffer.from(key),
  value,
  partition: 0,
  timestamp: '1700000000000',
  headers: { 'content-type': Buffer.from(contentType) },
})

function captured(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
