import { EVENT_TYPE } from '../../event/client-event.ts'
import {
  type CloudEvent,
  cloudEvent,
  type RecordPlace,
  type StoredEvent,
} from '../../event/cloud-event/stored-event.ts'
import { deadLetterCause, type EventSettings } from '../../event/outgoing-record.ts'
import { comparedContent, isClientId } from '../../event/read-client.ts'
import { type ContentKey, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import type { ReadEvents } from '../../publish/event-reading.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { fieldsOf, parsedWithDigits, rawText } from '../../runtime/parsed-json.ts'
import type { ClientRecord } from '../../source/client-source.ts'
import { type InspectionReader, inspectedPages } from '../inspected-pages.ts'
import type { LastRecord, SourceClients } from './compare.ts'

export interface TopicParts {
  readonly readEvents: ReadEvents
  /** The `source` of the stream's events. */
  readonly eventSource: string
  /** Whether other streams may write to the topic. */
  readonly isShared: boolean
  /** Paths of the fields that do not count. */
  readonly ignored: ReadonlySet<string>
}

/** The record of a client that decides, and its place. */
export interface PlacedRecord extends LastRecord {
  readonly partition: number
  readonly offset: bigint
  /** The time of the record in ms since 1970. */
  readonly timeMs: number
}

/** What the events topic has, as committed readers see it. */
interface TopicClients {
  /** The last record of each client. */
  readonly last: ReadonlyMap<string, PlacedRecord>
  /** The partitions that have records of a client. */
  readonly partitionsOf: (id: string) => Iterable<number>
}

/**
 * Reads the whole events topic. Calls `onRecord` for every record with a key, also those that no committed reader sees.
 * Rejects with `publish.*` or the reason of `stop`.
 */
export async function readTopicClients(
  { readEvents, ...parts }: TopicParts,
  onRecord: (id: string, record: PlacedRecord) => void,
  stop: AbortSignal,
): Promise<TopicClients> {
  const last = new Map<string, PlacedRecord>()
  /** The partitions of the few clients with records in several. */
  const several = new Map<string, Set<number>>()
  const find = (record: StoredEvent, place: RecordPlace) => {
    const { key: id, ...where } = place
    if (id === null) return undefined
    const placed = { ...lastRecordOf(record, parts), ...where }
    onRecord(id, placed)
    return { id, placed }
  }
  const onVisible = ({ id, placed }: { id: string; placed: PlacedRecord }) => {
    const known = last.get(id)
    if (known !== undefined && known.partition !== placed.partition)
      several.set(id, (several.get(id) ?? new Set([known.partition])).add(placed.partition))
    if (isLater(placed, known)) last.set(id, placed)
  }
  await readEvents({ find, onVisible }, stop)
  const partitionsOf = (id: string) => several.get(id) ?? [last.get(id)?.partition ?? []].flat()
  return { last, partitionsOf }
}

/**
 * Tells what a record says of its client. Every tombstone counts, also one of another writer, because
 * compaction deletes all older records of its key.
 */
function lastRecordOf(
  record: StoredEvent,
  { eventSource, isShared, ignored }: Omit<TopicParts, 'readEvents'>,
): LastRecord {
  const unknown = (kind: Exclude<LastRecord['kind'], 'event'>) => ({ kind, content: UNKNOWN_CONTENT })
  if (record.value === null) return unknown('tombstone')
  const event = cloudEvent(record)
  if (event?.attributes.source !== eventSource) return unknown(isShared ? 'other-stream' : 'foreign')
  return event.attributes.type === EVENT_TYPE
    ? { kind: 'event', content: contentOf(event, ignored) }
    : unknown('foreign')
}

function contentOf(event: CloudEvent, ignored: TopicParts['ignored']): ContentKey {
  return comparedContent(fieldsOf(event.data()) as ClientRecord, ignored)
}

/**
 * Whether the record is later than the known one. In one partition, the offset decides: a record of a long transaction
 * becomes visible after later ones. A client is in two partitions where the topic got more of them: then the times
 * decide.
 */
function isLater(one: PlacedRecord, known: PlacedRecord | undefined) {
  if (known === undefined) return true
  return one.partition === known.partition ? one.offset > known.offset : one.timeMs >= known.timeMs
}

/** What the dead-letter topic has of one client. */
export interface DeadLetters {
  /** Those with its key, and those that include a client with its id in any field. */
  readonly ofClient: readonly RecordPlace[]
  /** Those that cannot be read: whether they include the client is unknown. */
  readonly unreadable: readonly RecordPlace[]
}

/** Reads the dead letters, of which there are none without a dead-letter topic. Rejects as `readTopicClients` does. */
export async function readDeadLetters(readEvents: ReadEvents, client: string, stop: AbortSignal): Promise<DeadLetters> {
  const ofClient: RecordPlace[] = []
  const unreadable: RecordPlace[] = []
  const find = ({ value }: StoredEvent, place: RecordPlace) => {
    const content = value === null ? {} : parsedWithDigits(value)
    if (place.key === client || hasText(fieldsOf(content).client, client)) ofClient.push(place)
    else if (typeof content !== 'object' || content === null) unreadable.push(place)
    return undefined
  }
  try {
    await readEvents({ of: 'deadLetters', find, onVisible: () => {} }, stop)
  } catch (error) {
    if (codeOf(error) !== 'publish.topic-missing') throw error
  }
  return { ofClient, unreadable }
}

/** Whether a text or a number anywhere in the value is this text. */
function hasText(value: unknown, text: string): boolean {
  if (typeof value !== 'object' || value === null) return value === text
  return rawText(value) === text || Object.values(value).some((field) => hasText(field, text))
}

interface SourceReading {
  readonly settings: EventSettings
  readonly isWanted: (id: string) => boolean
}

/** Reads all clients from the stream's beginning once. Rejects with `source.*` or the reason of `stop`. */
export async function readSourceClients(
  reader: InspectionReader,
  { settings, isWanted }: SourceReading,
  stop: AbortSignal,
): Promise<SourceClients> {
  const clients = new Map<string, ContentKey | 'dead-letter'>()
  let withoutId = 0
  for await (const page of inspectedPages(reader, stop)) {
    for (const client of page.clients) {
      const { id, json } = client
      if (!isClientId(id)) withoutId += 1
      else if (isWanted(id)) {
        const isEvent = deadLetterCause(client, settings) === undefined
        const data = fieldsOf(isEvent ? parsedWithDigits(json) : {}) as ClientRecord
        clients.set(id, isEvent ? comparedContent(data, reader.rules.ignored) : 'dead-letter')
      }
    }
  }
  return { byId: clients, withoutId }
}
