import { cloudEvent, type RecordPlace, type StoredEvent } from '../../event/cloud-event/stored-event.ts'
import { publishedClientReader } from '../../event/published-client.ts'
import { rulesOf } from '../../index/client-index.ts'
import { clientKey, type IndexEntry } from '../../index/index-entry.ts'
import type { ErasureMarks } from '../../pipeline/features/erase/erasure-marks.ts'
import type { EventPublisher, TopicEnd } from '../../publish/event-publisher.ts'
import { partitionOf } from '../../publish/partitioner.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'
import { readIndex } from '../audit/audited-index.ts'

export interface FindClientParts {
  /** Nothing is opened with them. */
  readonly open: OpenParts
  readonly erasures: Pick<ErasureMarks, 'read'>
  /** Reads the dead-letter topic. */
  readonly deadLetters: Pick<EventPublisher, 'readEvents'>
  readonly onProgress: (share: number) => void
}

/** A record of the client in one of the topics. */
export interface ClientRecord {
  readonly partition: number
  readonly offset: bigint
  /** `foreign`: the stream has not written it. */
  readonly kind: 'event' | 'removal' | 'tombstone' | 'foreign'
  /** The event number. */
  readonly number: number | null
  /** The time of the event. */
  readonly time: string | null
}

/** What is known of one client, apart from its data. */
export interface FoundClient {
  /** In the client index: what the pending transaction adds, and the committed state. */
  readonly entries: { readonly pending: IndexEntry | undefined; readonly committed: IndexEntry | undefined }
  /** Whether it is among the erased clients that are kept beside the index. */
  readonly hasErasureMark: boolean
  /** Of the events topic, in the order of partition and offset; also those that no committed reader sees. */
  readonly records: readonly ClientRecord[]
  /** The last visible one in the partition of its key. */
  readonly newest: ClientRecord | undefined
  readonly deadLetters: readonly ClientRecord[]
  /** When the next full scan is due, in milliseconds since 1970; null: none is configured. */
  readonly fullScanDueAt: number | null
}

/**
 * Looks for a client in the client index and in both topics, which are read whole. Reads only; a replica may run the
 * stream meanwhile. Rejects with `publish.*`, `storage.*`, `checkpoint.*` or the reason of `stop`.
 */
export async function findClient(
  { open, erasures, deadLetters, onProgress }: FindClientParts,
  id: string,
  stop: AbortSignal,
): Promise<FoundClient> {
  const key = clientKey(id)
  const { document, index } = await readIndex(open, stop)
  const { marks } = await erasures.read(stop)
  const describe = recordReader(open.identity.eventSource, open.indexRules)
  const events = await recordsOf(open.publisher, { id, describe, onProgress }, stop)
  const dead = await recordsOf(deadLetters, { id, describe: deadLetterOf, onProgress: () => {} }, stop).catch(
    (error) => {
      if (codeOf(error) === 'publish.topic-missing') return noRecords
      throw error
    },
  )
  return {
    entries: { pending: index.pending.get(key), committed: index.table.get(key) },
    hasErasureMark: marks.some((mark) => mark.key === key),
    records: events.all,
    newest: events.newest,
    deadLetters: dead.all,
    fullScanDueAt: document.committed.state.scans.fullDueAt,
  }
}

interface Records {
  readonly all: readonly ClientRecord[]
  readonly newest: ClientRecord | undefined
}
const noRecords: Records = { all: [], newest: undefined }

interface Wanted {
  readonly id: string
  readonly describe: (record: StoredEvent) => Omit<ClientRecord, 'partition' | 'offset'>
  readonly onProgress: (share: number) => void
}

async function recordsOf(
  publisher: Pick<EventPublisher, 'readEvents'>,
  { id, describe, onProgress }: Wanted,
  stop: AbortSignal,
): Promise<Records> {
  const all: ClientRecord[] = []
  const visible: ClientRecord[] = []
  const find = (record: StoredEvent, { partition, offset, key }: RecordPlace) => {
    if (key !== id) return undefined
    const found = { partition, offset, ...describe(record) }
    all.push(found)
    return found
  }
  const end = await publisher.readEvents({ find, onVisible: (found) => visible.push(found), onProgress }, stop)
  const ordered = (one: ClientRecord, other: ClientRecord) =>
    one.partition - other.partition || Number(one.offset - other.offset)
  const home = homeOf(id, end)
  const newest = visible.toSorted(ordered).findLast(({ partition }) => partition === home)
  return { all: all.toSorted(ordered), newest: newest ?? visible.toSorted(ordered).at(-1) }
}

/** The partition in which the records of the client are written now. */
const homeOf = (id: string, end: TopicEnd<unknown>) => partitionOf(Buffer.from(id), Math.max(1, end.size))

const deadLetterOf = () => ({ kind: 'foreign', number: null, time: null }) as const

function recordReader(source: string, indexRules: string): Wanted['describe'] {
  const published = publishedClientReader(source, rulesOf(indexRules))
  return (record) => {
    const found = published(record)
    const kind = record.value === null ? 'tombstone' : kindOf(found)
    return { kind, number: found?.number ?? null, time: timeOf(record) }
  }
}

function kindOf(found: { readonly mark: string } | undefined): ClientRecord['kind'] {
  if (found === undefined) return 'foreign'
  return found.mark === 'withdrawn-gone' ? 'removal' : 'event'
}

function timeOf(record: StoredEvent): string | null {
  const time = cloudEvent(record)?.attributes.time
  // Of a foreign record, nothing but a time.
  return typeof time === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(time) ? time : null
}
