import type { StoredEvent } from '../../event/cloud-event/stored-event.ts'
import type { EventReading } from '../../publish/event-reading.ts'
import type { FetchedRecord, FetchedRecords } from '../kafkajs/fetch-records.ts'

/** Progress of the reading of one partition. */
export interface PartitionReading<Found> {
  readonly partition: number
  /** The offset at which to continue. */
  next: bigint
  /** Records from here on are no longer read, only the markers that decide about earlier ones. */
  readonly end: bigint
  /** What was found in transactions that had no marker yet, by producer id. */
  readonly open: Map<string, Found[]>
}

export const isUnfinished = ({ next, end }: PartitionReading<unknown>) => next < end

/** Applies the records of a response and continues after them. Returns whether it progressed. */
export function applyRecords<Found>(
  scan: PartitionReading<Found>,
  { records, next = scan.next }: Pick<FetchedRecords, 'records' | 'next'>,
  reading: EventReading<Found>,
): boolean {
  // A response begins with the whole batch that holds the requested offset.
  for (const record of records) if (BigInt(record.offset) >= scan.next) applyRecord(scan, record, reading)
  const hasProgressed = next > scan.next
  if (hasProgressed) scan.next = next
  return hasProgressed
}

/** Applies one record. A transaction marker decides about all earlier records of its producer in the partition. */
function applyRecord<Found>(
  { partition, end, open }: PartitionReading<Found>,
  record: FetchedRecord,
  reading: EventReading<Found>,
) {
  const { producerId, inTransaction } = record.batchContext
  if (record.isControlRecord) {
    if (isCommit(record.key)) open.get(producerId)?.forEach(reading.onVisible)
    open.delete(producerId)
    return
  }
  const { offset, timestamp, key } = record
  if (BigInt(offset) >= end) return
  const place = { partition, offset: BigInt(offset), key: key?.toString() ?? null, timeMs: Number(timestamp) }
  const found = reading.find(storedEvent(record), place)
  if (found === undefined) return
  const ofProducer = open.get(producerId)
  if (!inTransaction) reading.onVisible(found)
  else if (ofProducer === undefined) open.set(producerId, [found])
  else ofProducer.push(found)
}

/** Whether the marker commits: its key holds its version and its type, two bytes each. */
const isCommit = (key: Buffer | null) => key !== null && key.length >= 4 && key.readInt16BE(2) === 1

function storedEvent({ key, value, headers }: FetchedRecord): StoredEvent {
  const texts = Object.entries(headers).map(([name, header]) => [name, String(header)])
  return { key: key?.toString() ?? null, value: value?.toString() ?? null, headers: Object.fromEntries(texts) }
}
