import { sha256 } from '../../connector/event/canonical-json.ts'
import { type ClientTable, clientTable } from '../../connector/index/client-table.ts'
import {
  clientKey,
  contentKey,
  entryWords,
  type IndexEntry,
  UNKNOWN_CONTENT,
} from '../../connector/index/index-entry.ts'
import { encodedEntriesOf, type IndexState } from '../../connector/index/index-state.ts'
import { segmentHash } from '../../connector/index/segments.ts'
import { type Check, isNamed } from './evidence.ts'

/** A larger document takes too long to write with every transaction. */
const MAX_DOCUMENT = 128 * 1024

export const documentTooLarge: Check = ({ documents }) =>
  documents.flatMap(({ text }) => (text.length > MAX_DOCUMENT ? [`a checkpoint has ${text.length} characters`] : []))

/** The index of the last checkpoint, with nothing pending, has for each client what was published since it began. */
export const otherIndex: Check = (evidence) => {
  const { history, stream, records, documents, generations } = evidence
  const document = documents.at(-1)?.document
  if (document === undefined || document.pending !== null) return []
  const segments = history.segments.get(stream.key) ?? new Map()
  const table = tableOf(document.committed.state.index, segments)
  if (typeof table === 'string') return [table]
  const begunAt = generations.at(-1) ?? 0
  const published = new Map(
    records.filter(({ at }) => at >= begunAt).map(({ event, at }) => [event.subject, { ...event, at }]),
  )
  const wrong = [...published].flatMap(([client, { text, sequence, at }]) => {
    const entry = table.get(clientKey(client))
    const number = Number(sequence)
    const content = isNamed(evidence, client, { since: at }) ? UNKNOWN_CONTENT : contentKey(sha256(text))
    return entry?.eventNumber === number && entry.content === content
      ? []
      : [`the index has ${textOf(entry)} for ${client}, not content ${content}, number ${number}`]
  })
  const more = table.size() - published.size
  return more === 0 ? wrong : [...wrong, `the index has ${more} clients more than the topic`]
}

const textOf = (entry: IndexEntry | undefined) =>
  entry === undefined ? 'nothing' : `content ${entry.content}, number ${entry.eventNumber}`

function tableOf({ segments, delta }: IndexState, stored: ReadonlyMap<string, Uint8Array>): ClientTable | string {
  const table = clientTable()
  for (const { name, sha256 } of segments) {
    const bytes = stored.get(name) ?? new Uint8Array()
    if (segmentHash(bytes) !== sha256) return `segment ${name} is missing or damaged`
    table.setAll(entryWords(bytes))
  }
  table.setAll(encodedEntriesOf(delta))
  return table
}
