import { ERASED_TYPE } from '../../connector/event/cloud-event/tombstone.ts'
import { contentUnder } from '../../connector/event/read-client.ts'
import { rulesOf } from '../../connector/index/client-index.ts'
import { type ClientTable, clientTable, entriesIn } from '../../connector/index/client-table.ts'
import { clientKey, type IndexEntry, isWithdrawn, UNKNOWN_CONTENT } from '../../connector/index/index-entry.ts'
import { deltaWords, type IndexState } from '../../connector/index/index-state.ts'
import { segmentEntries } from '../../connector/index/segment.ts'
import type { ClientRecord } from '../../connector/source/client-source.ts'
import { typeOf } from './deleted-clients.ts'
import type { Check, Evidence } from './evidence.ts'

/** A larger document takes too long to write with every transaction. */
const MAX_DOCUMENT = 128 * 1024

export const documentTooLarge: Check = ({ documents }) =>
  documents.flatMap(({ text }) => (text.length > MAX_DOCUMENT ? [`a checkpoint has ${text.length} characters`] : []))

/** The index of the last checkpoint, with nothing pending, has for each client what the topic says. */
export const otherIndex: Check = (evidence) => {
  const { history, stream, records, numbered, documents, isForgotten } = evidence
  const document = documents.at(-1)?.document
  if (document === undefined || document.pending !== null) return []
  const segments = history.segments.get(stream.key) ?? new Map()
  const table = tableOf(document.committed.state.index, segments)
  if (typeof table === 'string') return [table]
  const published = new Map(records.map(({ event }) => [event.subject, event]))
  const publishedAt = new Map(records.map(({ event, at }) => [event.subject, at]))
  const numbers = new Map(numbered.map(({ key, number }) => [key, number]))
  const last = new Map(numbered.map((record) => [record.key, record]))
  const wrong = [...published].flatMap(([client, { data }]) => {
    const entry = table.get(clientKey(client))
    const number = numbers.get(client) ?? -1
    const record = last.get(client)
    // Neither the topic nor the marks know it.
    if (entry === undefined && record !== undefined && isForgotten(record) && stream.hasLostMarks) return []
    if (record !== undefined && typeOf(record) === ERASED_TYPE)
      return isErasedAs(entry, { client, number, erasedAt: record.at }, evidence)
        ? []
        : [`the index has ${textOf(entry)} for ${client}, which is erased by number ${number}`]
    const content = contentOf(data, entry, document.committed.state.index)
    if (entry === undefined && isForgotten({ at: publishedAt.get(client) ?? -1 })) return []
    return entry?.number === number && entry.content === content && !isWithdrawn(entry)
      ? []
      : [`the index has ${textOf(entry)} for ${client}, not content ${content}, number ${number}`]
  })
  const known = [...published.keys()].filter((client) => table.get(clientKey(client)) !== undefined)
  const more = table.size() - known.length
  return more === 0 ? wrong : [...wrong, `the index has ${more} clients more than the topic`]
}

interface ErasedClient {
  readonly client: string
  /** Of its tombstone. */
  readonly number: number
  /** How many records of all streams were visible before its tombstone. */
  readonly erasedAt: number
}

/** The content is what was published or read before the erasure. */
function isErasedAs(
  entry: IndexEntry | undefined,
  { client, number, erasedAt }: ErasedClient,
  { stream, records, documents }: Evidence,
): boolean {
  if (entry === undefined || !isWithdrawn(entry)) return false
  const published = records.filter(({ event }) => event.subject === client)
  const isRebuilt = stream.rebuiltAt.some((at) => at > (published.at(-1)?.at ?? -1))
  // Without its event and its mark, an index that was made again knows only that the client is erased.
  if (isRebuilt && entry.number === 0) return true
  if (entry.number !== number) return false
  if (entry.content === UNKNOWN_CONTENT) return isRebuilt
  const pages = stream.reads.filter(({ recordsBefore }) => isRebuilt || recordsBefore <= erasedAt)
  const index = documents.at(-1)?.document.committed.state.index
  const read = pages.flatMap(({ page }) => page?.clients.filter(({ No }) => No === client) ?? [])
  return [...published.slice(-1).map(({ event }) => event.data), ...read].some(
    (data) => index !== undefined && contentOf(data, entry, index) === entry.content,
  )
}

/** Under the lists with which the entry was made. */
const contentOf = (data: ClientRecord, entry: IndexEntry | undefined, { rules }: IndexState) =>
  contentUnder(data, { ignored: [], lists: rulesOf(rules[entry?.rules ?? 0] ?? '{}').lists })

const textOf = (entry: IndexEntry | undefined) =>
  entry === undefined ? 'nothing' : `content ${entry.content}, number ${entry.number}, mark ${entry.mark}`

/** How many erased clients of the index have no mark in the stored object; the text of the object. */
export function missingMarks(
  index: IndexState,
  stored: ReadonlyMap<string, Uint8Array>,
  marks: string | undefined,
): number {
  const table = tableOf(index, stored)
  if (typeof table === 'string') return 0 // reported already
  const entries = marks === undefined ? '' : (JSON.parse(marks) as { entries: string }).entries
  const marked = clientTable()
  marked.setAll(deltaWords(entries))
  const missing = [...entriesIn(table)].filter(([key, entry]) => isWithdrawn(entry) && marked.get(key) === undefined)
  return missing.length
}

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
