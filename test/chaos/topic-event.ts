import type { CommittedRecord } from './topic-log.ts'

/** The parts of a committed event that the checker compares; no personal data. */
export interface TopicEvent {
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  readonly key: string
  readonly id: string
  readonly version: string
  readonly sequence: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Parses a record as a consumer would, according to the documentation. Returns a text if the record is invalid. */
export function parseTopicEvent(record: CommittedRecord): TopicEvent | string {
  const { partition, offset, timestamp, producerId, producerEpoch } = record
  const where = `partition ${partition} offset ${offset}`
  const key = record.key?.toString()
  const event = parsed(record.value?.toString())
  if (key === undefined || event === undefined) return `${where}: not an event`
  const { type, subject, partitionkey, id, sequence, data } = event
  const owner = asObject(data)?.No
  if (type !== 'client.modified' || typeof id !== 'string') return `${where}: not a client.modified event with an id`
  if ([subject, partitionkey, owner].some((name) => name !== key)) return `${where}: key and client id differ`
  if (typeof sequence !== 'string' || !/^\d{20}$/.test(sequence))
    return `${where}: sequence is not a string of 20 digits`
  const version = String(asObject(data)?.NoVersion)
  return { partition, offset, timestamp, key, id, version, sequence: Number(sequence), producerId, producerEpoch }
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text ?? ''))
  } catch {
    return undefined
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
