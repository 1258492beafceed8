import type { CommittedRecord } from './topic-log.ts'

/** What the checker looks at in a committed event; no personal data. */
export interface ToldEvent {
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

/** Reads a record as its consumers would, by the documentation alone; a text says what is wrong with it. */
export function toldEvent(record: CommittedRecord): ToldEvent | string {
  const { partition, offset, timestamp, producerId, producerEpoch } = record
  const where = `partition ${partition} offset ${offset}`
  const key = record.key?.toString()
  const event = parsed(record.value?.toString())
  if (key === undefined || event === undefined) return `${where}: no event`
  const { type, subject, partitionkey, id, sequence, data } = event
  const owner = asObject(data)?.No
  if (type !== 'client.modified' || typeof id !== 'string') return `${where}: not a client.modified event with an id`
  if ([subject, partitionkey, owner].some((name) => name !== key)) return `${where}: key and client differ`
  if (typeof sequence !== 'string' || !/^\d{20}$/.test(sequence)) return `${where}: no sequence`
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
