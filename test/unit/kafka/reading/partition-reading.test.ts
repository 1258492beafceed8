import { expect, test } from 'vitest'
import { applyRecords, type PartitionReading } from '../../../../connector/kafka/reading/partition-reading.ts'

const record = (offset: number, value: string) => ({
  offset: String(offset),
  timestamp: '0',
  key: null,
  value: Buffer.from(value),
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '7', inTransaction: true },
})
const marker = (offset: number, type: number) => ({
  offset: String(offset),
  timestamp: '0',
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
  }
  const scan: PartitionReading<string> = { partition: 0, next: 0n, end: 7n, open: new Map() }
  applyRecords(scan, { records: [record(0, 'a'), record(1, 'b'), marker(2, 0), record(3, 'c')], next: 4n }, reading)
  expect(visible).toEqual([])
  // The response begins with the whole batch of the requested offset.
  applyRecords(scan, { records: [record(3, 'c'), record(4, 'd'), marker(5, 1), record(6, 'open')], next: 7n }, reading)
  expect(visible).toEqual(['c', 'd'])
  expect(scan.next).toBe(7n)
  expect(applyRecords(scan, { records: [], next: undefined }, reading)).toBe(false)
  expect(scan.next).toBe(7n)
  applyRecords(scan, { records: [record(7, 'after the end'), marker(8, 1)], next: 9n }, reading)
  expect(visible).toEqual(['c', 'd', 'open'])
})
