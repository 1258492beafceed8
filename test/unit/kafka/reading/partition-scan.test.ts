import { describe, expect, test } from 'vitest'
import type { Fetched } from '../../../../connector/kafka/kafkajs/fetch-records.ts'
import { applyRecords, nextOffset, partitionScan } from '../../../../connector/kafka/reading/partition-scan.ts'

const end = 100n
const response = (of: Partial<Fetched>): Fetched => ({
  throttledMs: 0,
  isEmpty: true,
  records: [],
  next: undefined,
  highWatermark: end,
  ...of,
})

describe('where a reading continues', () => {
  test.each<[string, Partial<Fetched>, bigint | undefined]>([
    ['after the last batch', { isEmpty: false, next: 40n }, 40n],
    ['after a last batch that compaction has emptied', { isEmpty: false, next: 100n }, 100n],
    ['after the batches of a throttled response that has some', { isEmpty: false, next: 40n, throttledMs: 9 }, 40n],
    ['at the end when nothing is left before it', {}, end],
    ['where it is when the response is throttled', { throttledMs: 1 }, undefined],
    ['where it is when replicas are behind the leader', { highWatermark: 99n }, undefined],
    ['where it is when the response does not contain the partition', { highWatermark: undefined }, undefined],
    ['where it is when no batch is complete', { isEmpty: false }, undefined],
  ])('%s', (_, fetched, next) => expect(nextOffset(response(fetched), end)).toBe(next))
})

const record = (offset: number, value: string) => ({
  ...{ offset: String(offset), timestamp: '0' },
  key: null,
  value: Buffer.from(value),
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '7', inTransaction: true },
})
const marker = (offset: number, type: number) => ({
  ...{ offset: String(offset), timestamp: '0' },
  key: Buffer.from([0, 0, 0, type]),
  value: null,
  headers: {},
  isControlRecord: true,
  batchContext: { producerId: '7', inTransaction: true },
})

test('records are visible once the marker of their transaction says that it was committed', () => {
  const visible: string[] = []
  const reading = {
    find: ({ value }: { value: string | null }) => value ?? undefined,
    onVisible: (value: string) => visible.push(value),
    onProgress: () => {},
  }
  const scan = partitionScan<string>({ partition: 0, start: 0n, end: 7n })
  applyRecords(scan, { records: [record(0, 'a'), record(1, 'b'), marker(2, 0), record(3, 'c')], next: 4n }, reading)
  expect(visible).toEqual([])
  // The response begins with the whole batch of the requested offset.
  applyRecords(scan, { records: [record(3, 'c'), record(4, 'd'), marker(5, 1), record(6, 'open')], next: 7n }, reading)
  expect(visible).toEqual(['c', 'd'])
  expect(scan.next).toBe(7n)
})
