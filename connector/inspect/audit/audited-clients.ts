import { EVENT_TYPE } from '../../event/client-event.ts'
import {
  type CloudEvent,
  cloudEvent,
  type RecordPlace,
  type StoredEvent,
} from '../../event/cloud-event/stored-event.ts'
import { comparedContent, isClientId } from '../../event/read-client.ts'
import { type ContentKey, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import type { ReadEvents } from '../../publish/event-reading.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { fieldsOf, parsedFields, parsedWithDigits } from '../../runtime/parsed-json.ts'
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

/** What the dead-letter topic has. */
export interface DeadLetters {
  /** The content hashes of the clients that are dead letters. */
  readonly contentHashes: ReadonlySet<string>
  /** The places of those with this key. */
  readonly ofClient: readonly Pick<PlacedRecord, 'partition' | 'offset' | 'timeMs'>[]
}

/** Reads the dead letters, of which there are none without a dead-letter topic. Rejects as `readTopicClients` does. */
export async function readDeadLetters(
  { readEvents }: Pick<TopicParts, 'readEvents'>,
  client: string | undefined,
  stop: AbortSignal,
): Promise<DeadLetters> {
  const contentHashes = new Set<string>()
  const ofClient: RecordPlace[] = []
  const find = ({ value }: StoredEvent, place: RecordPlace) => {
    if (client !== undefined && place.key === client) ofClient.push(place)
    const { contentHash } = parsedFields(value ?? '')
    return typeof contentHash === 'string' ? contentHash : undefined
  }
  const onVisible = (hash: string) => void contentHashes.add(hash)
  try {
    await readEvents({ of: 'deadLetters', find, onVisible }, stop)
  } catch (error) {
    if (codeOf(error) !== 'publish.topic-missing') throw error
  }
  return { contentHashes, ofClient }
}

interface SourceReading {
  /** The content hashes of the stream's dead letters. */
  readonly deadLetters: ReadonlySet<string>
  /** `undefined`: a client without a valid id. */
  readonly isWanted: (id: string | undefined) => boolean
}

/** Reads all clients from the stream's beginning once. Rejects with `source.*` or the reason of `stop`. */
export async function readSourceClients(
  reader: InspectionReader,
  { deadLetters, isWanted }: SourceReading,
  stop: AbortSignal,
): Promise<SourceClients> {
  const byId = new Map<string, ContentKey | 'dead-letter'>()
  const withoutId = new Set<ContentKey>()
  for await (const { clients } of inspectedPages(reader, stop)) {
    for (const { id: found, json, contentHash } of clients) {
      const id = isClientId(found) ? found : undefined
      if (!isWanted(id)) continue
      const isDeadLetter = deadLetters.has(contentHash)
      const data = fieldsOf(parsedWithDigits(json)) as ClientRecord
      const content = comparedContent(data, reader.rules.ignored)
      if (id !== undefined) byId.set(id, isDeadLetter ? 'dead-letter' : content)
      else if (!isDeadLetter) withoutId.add(content)
    }
  }
  return { byId, withoutId }
}
