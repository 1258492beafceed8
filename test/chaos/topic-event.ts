import type { CommittedRecord } from '../support/topic-log.ts'

/** The parts of a committed event that the checker compares; no personal data. */
export interface TopicEvent {
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly id: string
  readonly version: string
  /** The rewind that published it again. */
  readonly republished: string | undefined
  readonly sequence: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A record without a value, which says that its client was erased. */
const isTombstone = ({ key, value, headers }: CommittedRecord) =>
  value === undefined && headers.get('ce_type') === 'client.erased' && headers.get('ce_subject') === key?.toString()

/** Parses a record as a consumer would, according to the documentation. Returns a text if the record is invalid. */
export function parseTopicEvent(record: CommittedRecord): TopicEvent | 'tombstone' | string {
  const { partition, offset, producerId, producerEpoch } = record
  const where = `partition ${partition} offset ${offset}`
  const key = record.key?.toString()
  if (isTombstone(record)) return 'tombstone'
  const event = parsed(record.value?.toString() ?? '')
  if (key === undefined || event === undefined) return `${where}: not an event`
  const { id, sequence, data, republished, type } = event
  if (type !== 'client.modified' || typeof id !== 'string') return `${where}: no event of a known type with an id`
  const names = [event.subject, asObject(data)?.No]
  if (names.some((name) => name !== key)) return `${where}: key and client id differ`
  if (typeof sequence !== 'string' || !/^\d{20}$/.test(sequence))
    return `${where}: sequence is not a string of 20 digits`
  const version = String(asObject(data)?.NoVersion)
  return {
    key,
    id,
    version,
    republished: republished === undefined ? undefined : String(republished),
    sequence: Number(sequence),
    partition,
    offset,
    producerId,
    producerEpoch,
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
