import { type RecordPlace, type StoredEvent, sequenceOf } from '../../event/cloud-event/stored-event.ts'
import { publishedClientReader } from '../../event/published-client.ts'
import { rulesOf } from '../../index/client-index.ts'
import { type ClientTable, clientTable, entriesIn } from '../../index/client-table.ts'
import {
  type ClientKey,
  type ContentKey,
  clientKey,
  type IndexEntry,
  keyText,
  UNKNOWN_CONTENT,
} from '../../index/index-entry.ts'
import { MAX_RULES } from '../../index/index-state.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'

/** The record of each key that decides what subscribers have: the last one of its partition, whatever wrote it. */
export interface TopicClients {
  readonly table: Pick<ClientTable, 'get' | 'partitions'>
  /** Clients with an event of the stream, not a removal, a tombstone or a foreign record. */
  readonly clients: number
  /** The rules of contents, by the number in the entries: see `contentRules`. */
  readonly rules: readonly string[]
}

/** The tag of an entry. */
const WITHDRAWN = 1
const FOREIGN = 2

/** Whether the record says that the client is absent: a removal or a tombstone, whatever wrote it. */
export const isTombstone = ({ tag }: IndexEntry): boolean => (tag & WITHDRAWN) !== 0
/** Whether the record has a value that is no event of the stream. */
export const isForeign = ({ tag }: IndexEntry): boolean => tag === FOREIGN

type StoredClient = { readonly key: ClientKey; readonly id: string; readonly place: RecordPlace } & (
  | { readonly kind: 'event'; readonly content: ContentKey; readonly rules: string; readonly number: number }
  /** `number`: undefined for one that the connector did not write. */
  | { readonly kind: 'tombstone'; readonly number: number | undefined }
  | { readonly kind: 'foreign'; readonly number: undefined }
)

export interface TopicReading {
  /** The present rules of the index: see `contentRules`. */
  readonly indexRules: string
  /** The sources of other streams that share the topic. Their events are ignored. */
  readonly otherSources: readonly string[]
  readonly onProgress: (progress: { readonly share: number; readonly events: number }) => void
  /** Receives the id of each client. */
  readonly onClient: (key: ClientKey, id: string) => void
}

/** Rejects with `publish.*` or the reason of `stop`. */
export async function readTopicClients(
  { identity, publisher }: Pick<OpenParts, 'identity' | 'publisher'>,
  { onProgress, onClient, ...reading }: TopicReading,
  stop: AbortSignal,
): Promise<TopicClients> {
  const table = clientTable()
  const places = clientTable()
  const rules = [reading.indexRules]
  let events = 0
  const onVisible = (record: StoredClient) => {
    const { key, place } = record
    events += record.kind === 'foreign' ? 0 : 1
    if (!decides(record, { entry: table.get(key), place: places.get(key) })) return
    onClient(key, record.id)
    table.set(key, entryOf(record, rules))
    places.set(key, placeEntry(place))
  }
  const find = recordReader(identity.eventSource, reading)
  await publisher.readEvents({ find, onVisible, onProgress: (share) => onProgress({ share, events }) }, stop)
  let clients = 0
  for (const [, entry] of entriesIn(table)) clients += isTombstone(entry) || isForeign(entry) ? 0 : 1
  return { table, clients, rules }
}

function recordReader(source: string, { indexRules, otherSources }: Pick<TopicReading, 'indexRules' | 'otherSources'>) {
  const published = publishedClientReader(source, rulesOf(indexRules))
  return (record: StoredEvent, place: RecordPlace): StoredClient | undefined => {
    if (place.key === null) return undefined
    const of = { key: clientKey(place.key), id: place.key, place }
    if (record.value === null) return { ...of, kind: 'tombstone', number: sequenceOf(record, source) }
    const found = published(record)
    if (found?.id === place.key) {
      // Like a tombstone, a removal says that the client is absent.
      return { ...of, ...found, kind: found.mark === 'withdrawn-gone' ? 'tombstone' : 'event' }
    }
    if (otherSources.some((other) => sequenceOf(record, other) !== undefined)) return undefined
    return { ...of, kind: 'foreign', number: undefined }
  }
}

interface Known {
  readonly entry: IndexEntry | undefined
  readonly place: IndexEntry | undefined
}

/**
 * Whether a record, and not the one known so far, decides about its key. A client is in two partitions where the topic
 * got more of them: then the event numbers decide. A record without a number may be what subscribers have last.
 */
function decides({ place, number }: StoredClient, known: Known): boolean {
  if (known.entry === undefined || known.place === undefined) return true
  if (known.place.number === place.partition) return offsetText(place.offset) > known.place.content
  return number === undefined || ((known.entry.tag & FOREIGN) === 0 && number >= known.entry.number)
}

/** The partition as number, the offset as content. */
const placeEntry = ({ partition, offset }: RecordPlace) =>
  tableEntry({ number: partition, content: offsetText(offset) })

/** Ordered as the offsets are. */
const offsetText = (offset: bigint) => keyText(Number(offset >> 32n), Number(offset & 0xffff_ffffn)) as ContentKey

/** Adds to `rules`. */
function entryOf(record: StoredClient, rules: string[]): IndexEntry {
  const { kind, number = 0 } = record
  const foreign = record.number === undefined ? FOREIGN : 0
  if (kind !== 'event') return tableEntry({ number, tag: foreign | (kind === 'tombstone' ? WITHDRAWN : 0) })
  if (!rules.includes(record.rules) && rules.length < MAX_RULES) rules.push(record.rules)
  const made = rules.indexOf(record.rules)
  return made < 0 ? tableEntry({ number }) : tableEntry({ number, content: record.content, rules: made })
}

const tableEntry = (of: Partial<IndexEntry>): IndexEntry => ({
  number: 0,
  content: UNKNOWN_CONTENT,
  rules: 0,
  tag: 0,
  isDeadLetter: false,
  mark: 'none',
  ...of,
})
