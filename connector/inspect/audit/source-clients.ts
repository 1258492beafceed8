import type { StreamMapping } from '../../event/page-mapping.ts'
import { clientReader, contentUnder, type ReadClient, type ReadingRules } from '../../event/read-client.ts'
import { rulesOf } from '../../index/client-index.ts'
import { type ClientTable, clientTable } from '../../index/client-table.ts'
import { type ClientKey, type ContentKey, type IndexEntry, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import { type ScanMemory, scanMemory } from '../../pipeline/group/scan-memory.ts'
import type { PageReading } from '../../pipeline/read/page-reading.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import { LIVE, newScans, type ScanStates } from '../../scan/scan-state.ts'
import { type InspectionReader, inspectedPages, onceThrough } from '../inspected-pages.ts'
import type { AuditedIndex } from './audited-index.ts'
import type { TopicClients } from './topic-clients.ts'

/** The clients that the source returns. */
export interface SourceClients {
  /** Contents under the present rules; of a client that was returned several times, the last one. */
  readonly table: Pick<ClientTable, 'get' | 'size' | 'partitions'>
  /** When the last page was read, by the server's clock in ms since 1970. */
  readonly readAt: number
}

/** How the content of a client in the source relates to what is known of it elsewhere, under the rules of that. */
export type Relation = (typeof relations)[number]
const relations = ['unknown', 'same', 'other'] as const

/** An entry of the source: its tag holds two relations, in two bits each. */
export function sourceEntry(content: ContentKey, toIndex: Relation, toTopic: Relation): IndexEntry {
  const tag = relations.indexOf(toIndex) | (relations.indexOf(toTopic) << 2)
  return { content, number: 0, tag, isDeadLetter: false, mark: 'none', rules: 0 }
}
export const relationToIndex = ({ tag }: IndexEntry): Relation => relations[tag & 3] ?? 'unknown'
export const relationToTopic = ({ tag }: IndexEntry): Relation => relations[tag >>> 2] ?? 'unknown'

export interface SourceParts {
  readonly reader: InspectionReader
  readonly rules: ReadingRules
}

export interface SourceReading {
  /** The present rules of the index: see `contentRules`. */
  readonly indexRules: string
  readonly mapping: StreamMapping | null
  readonly scans: Pick<ScanStates, 'interleaving' | 'failedLimit'>
  /** Whether no replica reads meanwhile. */
  readonly isAlone: boolean
  /** What was read before. */
  readonly index: AuditedIndex
  readonly topic: TopicClients
  readonly onProgress: (progress: { readonly clients: number; readonly pages: number }) => void
  /** Receives the id of each client. */
  readonly onClient: (key: ClientKey, id: string) => void
}

/**
 * Reads all clients from the stream's beginning, then, in a live scan, those that changed meanwhile. Rejects with
 * `source.*` or the reason of `stop`; with `command.invalid` if it finds out that the server mixes up scans.
 */
export async function readSourceClients(
  { reader, rules }: SourceParts,
  reading: SourceReading,
  stop: AbortSignal,
): Promise<SourceClients> {
  const table = clientTable()
  const settings = onceThrough(reader.settings)
  const parts = { ...reader, settings }
  const states = await statesFrom(parts, reading, stop)
  const memory = scanMemory(states, settings)
  const from = { states, mapping: reading.mapping, processed: memory }
  const entryOf = entryReader(reading, rules)
  let readAt = 0
  let count = 0
  for await (const page of inspectedPages(parts, from, stop)) {
    for (const client of clientsOf(page, { rules, memory })) {
      table.set(client.key, entryOf(client))
      if (typeof client.id === 'string') reading.onClient(client.key, client.id)
    }
    readAt = page.readAt.server
    count += 1
    reading.onProgress({ clients: table.size(), pages: count })
    await reader.clock.sleep(pauseAfter(page, settings), stop)
  }
  return { table, readAt }
}

async function statesFrom(
  reader: SourceParts['reader'],
  { scans: { interleaving, failedLimit }, isAlone, mapping }: SourceReading,
  stop: AbortSignal,
): Promise<ScanStates> {
  const states: ScanStates = { ...newScans, interleaving, failedLimit }
  if (interleaving !== 'unknown' || isAlone) return states
  return { ...states, interleaving: await proveInterleaving(reader, { states, mapping }, stop) }
}

/** Live scans as often as possible: the first one between two pages is the proof. */
const PROOF_INTERVAL_MS = 1

/**
 * Reads the first pages, with live scans between them, until it is known whether the server keeps two scans of one caller
 * apart. `unknown`: there are too few pages. Rejects as a read does, and with `command.invalid` if it does not.
 */
async function proveInterleaving(
  reader: InspectionReader,
  from: Pick<SourceReading, 'mapping'> & { readonly states: ScanStates },
  stop: AbortSignal,
): Promise<ScanStates['interleaving']> {
  const interval = { intervalMs: PROOF_INTERVAL_MS, maxIntervalMs: PROOF_INTERVAL_MS }
  const settings: ScanSettings = { ...reader.settings, ...interval, backfill: 'beside' }
  for await (const { states } of inspectedPages({ ...reader, settings }, from, stop)) {
    if (states.interleaving === 'serial') throw serialServer()
    if (states.interleaving === 'proven') return 'proven'
  }
  return 'unknown'
}

/** The error for a server that mixes up two scans of one caller. */
export function serialServer(): ConnectorError {
  return new ConnectorError(
    'command.invalid',
    'audit: the server mixes up two scans of one caller, so an audit would disturb the running stream: pause the stream first, and resume it afterwards',
  )
}

/** The server is spared as by a full scan. */
function pauseAfter({ page, scan }: PageReading, { backgroundShare: share }: ScanSettings): number {
  return scan.tag === LIVE ? 0 : (page.tookMs * (1 - share)) / share
}

interface PageParts {
  readonly rules: ReadingRules
  readonly memory: ScanMemory
}

function* clientsOf(reading: PageReading, { rules, memory }: PageParts): Generator<ReadClient, void> {
  const { page, scan, states, isFirst, isLast } = reading
  if (isFirst) memory.beginScan(scan, states)
  const mapping = reading.mapping[scan.output]
  if (mapping !== null) {
    const read = clientReader(mapping, rules)
    for (const record of page.clients) {
      const client = read(record)
      memory.add(scan, client)
      yield client
    }
  }
  memory.endPage(scan)
  if (isLast) memory.endScan(scan)
}

/** Compares contents under other rules than the present ones: this needs the client itself, which is not kept. */
function entryReader(
  { index, topic, indexRules }: Pick<SourceReading, 'index' | 'topic' | 'indexRules'>,
  rules: ReadingRules,
): (client: ReadClient) => IndexEntry {
  const known = new Map([...index.rules, ...topic.rules].map((text) => [text, rulesOf(text)]))
  const contentBy = ({ client, content }: ReadClient, text: string | undefined): ContentKey => {
    if (text === indexRules) return content
    const made = text === undefined ? undefined : known.get(text)
    return made === undefined ? UNKNOWN_CONTENT : contentUnder(client, made, rules)
  }
  const relation = (client: ReadClient, entry: IndexEntry | undefined, text: string | undefined): Relation => {
    const content = entry === undefined ? UNKNOWN_CONTENT : contentBy(client, text)
    if (entry === undefined || entry.content === UNKNOWN_CONTENT || content === UNKNOWN_CONTENT) return 'unknown'
    return content === entry.content ? 'same' : 'other'
  }
  return (client) => {
    const inIndex = index.table.get(client.key)
    const inTopic = topic.table.get(client.key)
    const toIndex = relation(client, inIndex, inIndex && index.rules[inIndex.rules])
    const toTopic = relation(client, inTopic, inTopic && topic.rules[inTopic.rules])
    return sourceEntry(client.content, toIndex, toTopic)
  }
}
