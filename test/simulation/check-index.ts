import { canonicalJson, sha256 } from '../../connector/event/canonical-json.ts'
import { type ClientTable, clientTable } from '../../connector/index/client-table.ts'
import { clientKey, contentKey, type IndexEntry, UNKNOWN_CONTENT } from '../../connector/index/index-entry.ts'
import { deltaWords, type IndexState } from '../../connector/index/index-state.ts'
import { segmentEntries } from '../../connector/index/segment.ts'
import type { FakeRecord } from '../support/fakes/fake-event-publisher.ts'
import { typeOf } from './check-removals.ts'
import type { Check } from './evidence.ts'

/** A larger document takes too long to write with every transaction. */
const MAX_DOCUMENT = 128 * 1024

export const documentTooLarge: Check = ({ documents }) =>
  documents.flatMap(({ text }) => (text.length > MAX_DOCUMENT ? [`a checkpoint has ${text.length} characters`] : []))

/** The index of the last checkpoint, with nothing pending, has for each client what the topic says. */
export const otherIndex: Check = ({ history, stream, records, removals, numbered, documents }) => {
  const last = documents.at(-1)?.document
  if (last === undefined || last.pending !== null) return []
  const segments = history.segments.get(stream.key) ?? new Map()
  const table = tableOf(last.committed.state.index, segments)
  if (typeof table === 'string') return [table]
  const published = new Map(records.map(({ event }) => [event.subject, event]))
  const removed = new Map(removals.map(({ key, at }) => [key, at]))
  const publishedAt = new Map(records.map(({ event, at }) => [event.subject, at]))
  const numbers = new Map(numbered.filter(isCounted).map(({ key, number }) => [key, number]))
  const lastTypes = new Map(numbered.map((record) => [record.key, typeOf(record)]))
  const isErased = (client: string) => lastTypes.get(client) === 'client.erased'
  const wrong = [...published].flatMap(([client, { data }]) => {
    const entry = table.get(clientKey(client))
    const isRemoved = (removed.get(client) ?? -1) > (publishedAt.get(client) ?? -1)
    const content = isRemoved ? UNKNOWN_CONTENT : contentKey(sha256(canonicalJson(data)))
    const expected = { content: isErased(client) ? undefined : content, number: numbers.get(client) ?? -1 }
    // A rebuilt index does not know a client of which the topic has only a tombstone.
    if (entry === undefined && isRemoved && history.options.actions === 'all') return []
    return isSame(entry, expected) ? [] : [`the index has ${textOf(entry)} for ${client}, not ${textOf(expected)}`]
  })
  const known = [...published.keys()].filter((client) => table.get(clientKey(client)) !== undefined)
  const more = table.size() - known.length
  return more === 0 ? wrong : [...wrong, `the index has ${more} clients more than the topic`]
}

/** The tombstone of an erased client does not change the number of its entry. */
const isCounted = (record: FakeRecord) => record.value !== null || record.headers.ce_type !== 'client.erased'

/** `content`: undefined for an erased client, which may have been returned with another one by then. */
type Expected = Pick<IndexEntry, 'number'> & { readonly content: IndexEntry['content'] | undefined }

const isSame = (entry: IndexEntry | undefined, { content, number }: Expected) =>
  entry?.number === number && entry.content === (content ?? entry.content)

const textOf = (entry: Expected | undefined) =>
  entry === undefined ? 'nothing' : `content ${entry.content}, number ${entry.number}`

function tableOf({ segments, delta }: IndexState, stored: ReadonlyMap<string, Uint8Array>): ClientTable | string {
  const table = clientTable()
  for (const { name, sha256 } of segments) {
    const words = segmentEntries(stored.get(name) ?? new Uint8Array(), sha256)
    if (words === undefined) return `segment ${name} is missing or damaged`
    table.setAll(words)
  }
  table.setAll(deltaWords(delta))
  return table
}
