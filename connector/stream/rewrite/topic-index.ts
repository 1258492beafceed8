import { type StoredEvent, sequenceOf } from '../../event/cloud-event/stored-event.ts'
import { type PublishedClient, publishedClientReader } from '../../event/published-client.ts'
import { rulesOf } from '../../index/client-index.ts'
import { type ClientTable, clientTable } from '../../index/client-table.ts'
import { type ClientKey, entryWordsOf, type IndexEntry } from '../../index/index-entry.ts'
import { deltaText, MAX_RULES, underRules } from '../../index/index-state.ts'
import type { TopicEnd } from '../../publish/event-publisher.ts'
import { LIVE } from '../../scan/scan-state.ts'
import type { OpenParts } from '../open/open-parts.ts'

export interface RebuildProgress {
  /** How much of the topic has been read, 0 to 1. */
  readonly share: number
  /** The stream's events read so far, and their clients. */
  readonly events: number
  readonly clients: number
}

/** The client index according to the topic: the last event of each client counts. */
export interface TopicIndex {
  readonly table: ClientTable
  /** The number of the next event. */
  events(): number
  /** The rules of the entries. Others may be added to it. */
  readonly rules: string[]
  /** Reads to the present end of the topic, from where the last reading ended. Rejects as `readEvents` does. */
  read(onProgress: (progress: RebuildProgress) => void, stop: AbortSignal): Promise<void>
  /** The entries that were set by the last reading, as `IndexState.delta`. */
  delta(): string
}

interface Numbered {
  readonly number: number
  readonly client: PublishedClient | undefined
}

export function topicIndex({ identity, indexRules, publisher }: OpenParts): TopicIndex {
  const table = clientTable()
  const rules = [indexRules]
  const { eventSource: source } = identity
  const clientOf = publishedClientReader(source, rulesOf(indexRules))
  const changed = new Set<ClientKey>()
  let [read, events] = [0, 0]
  let end: TopicEnd<Numbered> | undefined
  const find = (event: StoredEvent): Numbered | undefined => {
    const number = sequenceOf(event, source)
    return number === undefined ? undefined : { number, client: clientOf(event) }
  }
  const onVisible = ({ number: visible, client }: Numbered) => {
    events = Math.max(events, visible + 1)
    if (client === undefined) return
    const { key, content, rules: made, number } = client
    read += 1
    const known = table.get(key)
    // A client is in two partitions where the topic got more of them.
    if ((known?.number ?? -1) > number) return
    const found: IndexEntry = { content, number, tag: LIVE, isDeadLetter: false, rules: 0 }
    if (!rules.includes(made) && rules.length < MAX_RULES) rules.push(made)
    table.set(key, underRules(found, rules, made))
    if (end !== undefined) changed.add(key)
  }
  return {
    table,
    rules,
    events: () => events,
    read: async (onProgress, stop) => {
      changed.clear()
      const report = (share: number) => onProgress({ share, events: read, clients: table.size() })
      end = await publisher.readEvents({ find, onVisible, onProgress: report, ...(end && { from: end }) }, stop)
    },
    delta: () => deltaText(entryWordsOf([...changed].flatMap((key) => entryOf(table, key)))),
  }
}

function entryOf(table: Pick<ClientTable, 'get'>, key: ClientKey): (readonly [ClientKey, IndexEntry])[] {
  const entry = table.get(key)
  return entry === undefined ? [] : [[key, entry]]
}
