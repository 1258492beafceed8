import type { Clock } from '../../runtime/clock.ts'
import {
  type DeadLetters,
  type PlacedRecord,
  readDeadLetters,
  readSourceClients,
  readTopicClients,
  type SourceParts,
  type TopicParts,
} from './audited-clients.ts'
import { compare, confirmed, type Differing, type SourceClients } from './compare.ts'

export interface AuditParts {
  readonly source: SourceParts
  readonly topic: TopicParts
  readonly clock: Clock
}

export type AuditProgress =
  | { readonly step: 'source' | 'source again'; readonly clients: number }
  | { readonly step: 'topic'; readonly share: number }

export interface AuditOptions {
  /** The only client to look at; undefined: all. */
  readonly client?: string | undefined
  readonly onProgress: (progress: AuditProgress) => void
}

export interface AuditResult {
  readonly differing: Differing
  readonly clients: {
    /** With an id. */
    readonly source: number
    /** With an event, or a record of another writer, as the last record. */
    readonly topic: number
    /** Of those in the source. */
    readonly deadLetters: number
  }
  /** What there is of the client of `AuditOptions`. */
  readonly client: {
    readonly isInSource: boolean
    /** In the order of partition and offset; also those that no committed reader sees. */
    readonly records: readonly PlacedRecord[]
    readonly deadLetters: DeadLetters['ofClient']
  }
}

/** Live scans of a replica that runs meanwhile: after them, the topic has what the source returned. */
const LIVE_SCANS = 3

/**
 * Compares the source with the topic. What differs counts only if a second reading of the source returns the same again:
 * clients may change meanwhile. Reads only, and needs no replica. Rejects with `source.*`, `publish.*` or the reason of
 * `stop`.
 */
export async function auditStream(
  { source, topic, clock }: AuditParts,
  { client, onProgress }: AuditOptions,
  stop: AbortSignal,
): Promise<AuditResult> {
  const records: PlacedRecord[] = []
  const read = async (step: 'source' | 'source again', isWanted: (id: string | undefined) => boolean) => {
    const deadLetters = await readDeadLetters(topic, client, stop)
    const onClients = (clients: number) => onProgress({ step, clients })
    const reading = { deadLetters: deadLetters.contentHashes, isWanted, onProgress: onClients }
    return { deadLetters, source: await readSourceClients(source, reading, stop) }
  }
  const isAsked = (id: string | undefined) => client === undefined || id === client
  const first = await read('source', isAsked)
  await clock.sleep(LIVE_SCANS * source.reader.settings.intervalMs, stop)
  const onRecord = (id: string, record: PlacedRecord) => void (id === client && records.push(record))
  const onShare = (share: number) => onProgress({ step: 'topic', share })
  const all = await readTopicClients(topic, { onRecord, onProgress: onShare }, stop)
  const inTopic = client === undefined ? all : new Map([...all].filter(([id]) => id === client))
  const found = compare(first.source, inTopic)
  const isDoubtful = found.size + first.source.withoutId.size > 0
  const second = isDoubtful
    ? await read('source again', (id) => isAsked(id) && (id === undefined || found.has(id)))
    : first
  return {
    differing: confirmed(found, first.source, second.source),
    clients: {
      ...countsOf(first.source),
      topic: [...inTopic.values()].filter(({ kind }) => kind !== 'tombstone').length,
    },
    client: {
      isInSource: client !== undefined && second.source.byId.has(client),
      records: records.toSorted((one, other) => one.partition - other.partition || Number(one.offset - other.offset)),
      deadLetters: second.deadLetters.ofClient,
    },
  }
}

function countsOf({ byId }: SourceClients) {
  const deadLetters = [...byId.values()].filter((content) => content === 'dead-letter').length
  return { source: byId.size, deadLetters }
}
