import { type CheckpointDocument, parseDocument } from '../checkpoint/checkpoint-document.ts'
import { markedEntries } from '../checkpoint/marked-entries.ts'
import { publishedEvents } from '../checkpoint/mismatch.ts'
import { committedByRecord, setByOperator } from '../checkpoint/transitions.ts'
import { eventSource, type StoredEvent, sequenceOf } from '../event/client-event.ts'
import { type PublishedClient, publishedClientReader } from '../event/published-client.ts'
import { rulesOf } from '../index/client-index.ts'
import { type ClientTable, clientTable } from '../index/client-table.ts'
import { UNKNOWN_CONTENT } from '../index/index-entry.ts'
import { emptyIndex, MAX_RULES } from '../index/index-state.ts'
import { type NewSegment, writeBase, writeSegment } from '../index/write-segment.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { LIVE } from '../scan/scan-state.ts'
import { type OperatorOpening, openAsOperator } from './open-as-operator.ts'
import type { OpenParts } from './open-parts.ts'

export interface RebuildProgress {
  /** How much of the topic has been read, 0 to 1. */
  readonly share: number
  /** The stream's events read so far, and their clients. */
  readonly events: number
  readonly clients: number
}

interface RebuiltIndex {
  readonly after: CheckpointDocument
  readonly clients: number
}

/**
 * Makes the client index again from the events in the topic: the last event of each client counts. Opens the stream as
 * an operator. Rejects like an opening, and with `checkpoint.invalid-request` if there is no checkpoint.
 */
export async function rebuildIndex(
  parts: OpenParts,
  onProgress: (progress: RebuildProgress) => void,
  stop: AbortSignal,
): Promise<RebuiltIndex> {
  await parts.storeReady(stop)
  const stored = await parts.object.read(stop)
  if (stored === undefined)
    throw new ConnectorError(
      'checkpoint.invalid-request',
      'rebuild client index: the stream has no checkpoint; run checkpoint reset first',
    )
  const document = parseDocument(stored.text)
  const next = async ({ resolved, claim }: OperatorOpening) => {
    const { resolution } = resolved
    if (resolution.kind === 'hold') throw new ConnectorError(resolution.code, `rebuild client index: ${resolution.why}`)
    const marks = await parts.erasures.read(stop)
    const { table, ...read } = await readTopic(parts, onProgress, stop)
    const { rules, events, words } = markedEntries(table, read, marks)
    table.setAll(words)
    const { state } = resolution.kind === 'pending' ? committedByRecord(document) : document.committed
    const epoch = document.claim.epoch + 1
    const write = async (segment: NewSegment) =>
      (await writeSegment({ ...parts, store: parts.index.store, epoch }, segment, stop)).reference
    const segments = await writeBase({ ...parts, table, write }, stop)
    const { contentsFrom } = state.index
    // No event id is used twice: the epoch is higher than every earlier generation.
    const index = { ...emptyIndex, generation: epoch, contentsFrom, rules, segments }
    const rebuilt = { ...state, index, events: Math.max(state.events, events) }
    return { after: setByOperator({ ...document, ...claim.identity }, rebuilt, claim), clients: table.size() }
  }
  return await openAsOperator(parts, { read: { stored, document }, published: publishedEvents(document), next }, stop)
}

/** The index according to the topic. `events`: the number of the next event; `rules`: those of the entries. */
async function readTopic(
  { identity, indexRules, publisher }: OpenParts,
  onProgress: (progress: RebuildProgress) => void,
  stop: AbortSignal,
): Promise<{ table: ClientTable; events: number; rules: readonly string[] }> {
  const table = clientTable()
  const rules = [indexRules]
  let read = 0
  let events = 0
  const source = eventSource(identity.connector, identity.stream)
  const clientOf = publishedClientReader(source, rulesOf(indexRules))
  const reading = {
    find: (event: StoredEvent) => {
      const number = sequenceOf(event, source)
      return number === undefined ? undefined : { number, client: clientOf(event) }
    },
    onVisible: ({ number: visible, client }: { number: number; client: PublishedClient | undefined }) => {
      // A tombstone, too, has a number.
      events = Math.max(events, visible + 1)
      if (client === undefined) return
      const { key, content, rules: made, number, mark } = client
      read += 1
      // A client is in two partitions where the topic got more of them.
      if ((table.get(key)?.number ?? -1) > number) return
      if (!rules.includes(made) && rules.length < MAX_RULES) rules.push(made)
      const known = rules.indexOf(made)
      const entry = known < 0 ? { content: UNKNOWN_CONTENT, rules: 0 } : { content, rules: known }
      table.set(key, { ...entry, number, tag: LIVE, isDeadLetter: false, mark })
    },
    onProgress: (share: number) => onProgress({ share, events: read, clients: table.size() }),
  }
  await publisher.readEvents(reading, stop)
  return { table, events, rules }
}
