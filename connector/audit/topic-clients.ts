import type { StoredEvent } from '../event/client-event.ts'
import { eventSource, sequenceOf } from '../event/client-event.ts'
import { publishedClientReader } from '../event/published-client.ts'
import { rulesOf } from '../index/client-index.ts'
import { type ClientTable, clientTable, entriesIn } from '../index/client-table.ts'
import { type ClientKey, type ContentKey, clientKey, type IndexEntry, UNKNOWN_CONTENT } from '../index/index-entry.ts'
import { MAX_RULES } from '../index/index-state.ts'
import type { OpenParts } from '../stream/open-parts.ts'

/** The newest record of each client of a stream in the events topic. */
export interface TopicClients {
  readonly table: Pick<ClientTable, 'get' | 'partitions'>
  /** Clients whose newest record is an event, not a removal or a tombstone. */
  readonly clients: number
  /** The rules of contents, by the number in the entries: see `contentRules`. */
  readonly rules: readonly string[]
}

/** The tag of a client whose newest record is a removal or a tombstone. */
const TOMBSTONE = 1
export const isTombstone = ({ tag }: IndexEntry): boolean => tag === TOMBSTONE

type StoredClient = { readonly key: ClientKey; readonly id: string } & (
  | { readonly kind: 'event'; readonly content: ContentKey; readonly rules: string; readonly number: number }
  /** `number`: undefined for one that the connector did not write. */
  | { readonly kind: 'tombstone'; readonly number: number | undefined }
)

interface TopicReading {
  /** The present rules of the index: see `contentRules`. */
  readonly indexRules: string
  readonly onProgress: (progress: { readonly share: number; readonly events: number }) => void
  /** Receives the id of each client. */
  readonly onClient: (key: ClientKey, id: string) => void
}

/** Rejects with `publish.*` or the reason of `stop`. */
export async function readTopicClients(
  { identity, publisher }: Pick<OpenParts, 'identity' | 'publisher'>,
  { indexRules, onProgress, onClient }: TopicReading,
  stop: AbortSignal,
): Promise<TopicClients> {
  const table = clientTable()
  const rules = [indexRules]
  let events = 0
  const onVisible = (record: StoredClient) => {
    events += 1
    const known = table.get(record.key)
    const next = entryAfter(known, record, rules)
    if (next === undefined) return
    onClient(record.key, record.id)
    table.set(record.key, next)
  }
  const find = recordReader(eventSource(identity.connector, identity.stream), indexRules)
  await publisher.readEvents({ find, onVisible, onProgress: (share) => onProgress({ share, events }) }, stop)
  let clients = 0
  for (const [, entry] of entriesIn(table)) clients += isTombstone(entry) ? 0 : 1
  return { table, clients, rules }
}

function recordReader(source: string, indexRules: string): (record: StoredEvent) => StoredClient | undefined {
  const published = publishedClientReader(source, rulesOf(indexRules))
  return (record) => {
    if (record.value === null)
      return { kind: 'tombstone', key: clientKey(record.key), id: record.key, number: sequenceOf(record, source) }
    const found = published(record)
    // Like a tombstone, a removal says that the client is absent.
    return found && { ...found, kind: found.mark === 'removed' ? 'tombstone' : 'event' }
  }
}

/** What is known of a client after a record; undefined: nothing new. Adds to `rules`. */
function entryAfter(known: IndexEntry | undefined, record: StoredClient, rules: string[]): IndexEntry | undefined {
  const number = record.number ?? known?.number
  // A client is in two partitions where the topic got more of them.
  if (number === undefined || (known?.number ?? -1) > number) return undefined
  if (record.kind === 'tombstone') return { ...eventEntry(number, UNKNOWN_CONTENT, 0), tag: TOMBSTONE }
  if (!rules.includes(record.rules) && rules.length < MAX_RULES) rules.push(record.rules)
  const made = rules.indexOf(record.rules)
  return made < 0 ? eventEntry(number, UNKNOWN_CONTENT, 0) : eventEntry(number, record.content, made)
}

const eventEntry = (number: number, content: ContentKey, rules: number): IndexEntry => ({
  ...{ number, content, rules, tag: 0, isDeadLetter: false, mark: 'none' },
})
