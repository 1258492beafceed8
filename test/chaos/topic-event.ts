import type { CommittedRecord } from './topic-log.ts'

/** The parts of a committed event that the checker compares; no personal data. */
export interface TopicEvent {
  readonly type: EventType
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  readonly key: string
  readonly id: string
  /** Empty if the event has no client. */
  readonly version: string
  /** Whether an unchanged client was published again on request. */
  readonly isRepublished: boolean
  readonly sequence: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

const types = ['client.modified', 'client.erased'] as const
type EventType = (typeof types)[number]

/** Parses a record as a consumer would, according to the documentation. Returns a text if the record is invalid. */
export function parseTopicEvent(record: CommittedRecord): TopicEvent | string {
  const { partition, offset, timestamp, producerId, producerEpoch } = record
  const where = `partition ${partition} offset ${offset}`
  const key = record.key?.toString()
  const event = record.value === undefined ? tombstone(record) : parsed(record.value.toString())
  if (key === undefined || event === undefined) return `${where}: not an event`
  const { id, sequence, data, republished } = event
  const type = types.find((one) => one === event.type)
  if (type === undefined || typeof id !== 'string') return `${where}: no event of a known type with an id`
  const names = record.value === undefined ? [] : [event.subject, event.partitionkey]
  const owner = type === 'client.modified' ? [asObject(data)?.No] : []
  if ([...names, ...owner].some((name) => name !== key)) return `${where}: key and client id differ`
  if (typeof sequence !== 'string' || !/^\d{20}$/.test(sequence))
    return `${where}: sequence is not a string of 20 digits`
  const version = type === 'client.modified' ? String(asObject(data)?.NoVersion) : ''
  const what = { type, key, id, version, isRepublished: republished !== undefined, sequence: Number(sequence) }
  return { ...what, partition, offset, timestamp, producerId, producerEpoch }
}

/** The attributes of an event without a value. */
function tombstone({ headers }: CommittedRecord): Record<string, unknown> {
  const attribute = (name: string) => headers.get(`ce_${name}`)
  return { type: attribute('type'), id: attribute('id'), sequence: attribute('sequence') }
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
