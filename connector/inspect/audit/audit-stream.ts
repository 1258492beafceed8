import type { EventSettings } from '../../event/outgoing-record.ts'
import { similarIds } from '../../event/read-client.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { InspectionReader } from '../inspected-pages.ts'
import {
  type DeadLetters,
  type PlacedRecord,
  readDeadLetters,
  readSourceClients,
  readTopicClients,
  type TopicParts,
} from './audited-clients.ts'
import { compare, confirmedDifferences, type SourceClients } from './compare.ts'

export interface AuditParts {
  readonly reader: InspectionReader
  readonly settings: EventSettings
  readonly topic: TopicParts
  readonly names: { readonly events: string; readonly deadLetters: string }
  readonly clock: Clock
}

/** A replica that runs meanwhile makes so many live scans: after them, the topic has what the source returned. */
const LIVE_SCANS = 3

/**
 * Compares the source with the topic, for one client or for all. What differs counts only if a second reading of the
 * source returns the same again: clients may change meanwhile. Reads only, and needs no replica. Resolves to a report,
 * which names no client (invariant 8), to the ids of what differs, and to where they are. Rejects with `source.*`,
 * `publish.*` or the reason of `stop`.
 */
export async function auditStream(
  { reader, settings, topic, names, clock }: AuditParts,
  client: string | undefined,
  stop: AbortSignal,
) {
  const records: PlacedRecord[] = []
  const isAsked = (id: string) => client === undefined || id === client
  const first = await readSourceClients(reader, { settings, isWanted: isAsked }, stop)
  await clock.sleep(LIVE_SCANS * reader.settings.intervalMs, stop)
  const onRecord = (id: string, record: PlacedRecord) => {
    if (id === client) records.push(record)
  }
  const { last: all, partitionsOf } = await readTopicClients(topic, onRecord, stop)
  records.sort((one, other) => one.partition - other.partition || Number(one.offset - other.offset))
  const inTopic = client === undefined ? all : new Map([...all].filter(([id]) => id === client))
  const found = compare(first, inTopic)
  const second =
    found.size > 0 ? await readSourceClients(reader, { settings, isWanted: (id) => found.has(id) }, stop) : first
  const { missing, different, gone } = confirmedDifferences(found, first, second)
  const differences = { missing: missing.length, different: different.length, gone: gone.length }
  const ofOthers = [...inTopic].filter(([, { kind }]) => kind === 'other-stream')
  const isInTopic = ({ kind }: PlacedRecord) => kind === 'event' || kind === 'foreign'
  const similar = similarIds(() => idsOf(first, inTopic))
  return {
    report: {
      agree: Object.values(differences).every((count) => count === 0),
      clients: {
        ...countsOf(first),
        /** Clients whose last record in the topic is an event or of another writer. */
        topic: [...inTopic.values()].filter(isInTopic).length,
        /** Clients of the source whose last record is of another stream. */
        otherStreams: topic.isShared ? ofOthers.filter(([id]) => first.byId.has(id)).length : undefined,
        /** Groups of ids that differ only in white space or case. */
        similarIds: client === undefined ? similar.length : undefined,
      },
      differences,
      client:
        client === undefined
          ? undefined
          : clientReport(
              first.byId.has(client) || second.byId.has(client),
              records,
              await readDeadLetters(topic.readEvents, client, stop),
              names,
            ),
    },
    /** What is missing and what is different has one cure. */
    ids: { missing: [...missing, ...different], gone, similar: similar.flat() },
    /** The partitions of the topic that have records of a client. */
    partitionsOf,
  }
}

/** Yields the ids of clients that the source or the topic has, some twice, without a copy of all. */
function* idsOf({ byId }: SourceClients, inTopic: ReadonlyMap<string, PlacedRecord>) {
  yield* byId.keys()
  for (const [id, { kind }] of inTopic) if (kind !== 'tombstone') yield id
}

/** Counts the clients, and those of them that are dead letters. */
function countsOf({ byId, withoutId }: SourceClients) {
  const withId = [...byId.values()].filter((content) => content === 'dead-letter').length
  return { source: byId.size + withoutId, deadLetters: withId + withoutId }
}

/**
 * Returns where one client is, in the order of partition and offset. What cannot be read may be of the client, and then
 * nothing is proved. The records include those that no committed reader sees.
 */
function clientReport(
  isInSource: boolean,
  records: readonly PlacedRecord[],
  { ofClient, unreadable }: DeadLetters,
  names: AuditParts['names'],
) {
  const places = [
    ...records.map((record) => ({ topic: names.events, ...record })),
    ...ofClient.map((record) => ({ topic: names.deadLetters, ...record, kind: 'dead-letter' })),
    ...unreadable.map((record) => ({ topic: names.deadLetters, ...record, kind: 'unreadable' })),
  ].map(({ topic, partition, offset, kind, timeMs }) => {
    return { topic, partition, offset: String(offset), kind, time: new Date(timeMs).toISOString() }
  })
  const isNothingLeft = !isInSource && places.length === 0
  const proof = isNothingLeft ? 'nothing is left in the source, the topic and the dead letters' : undefined
  return { isNothingLeft, proof, isInSource, records: places }
}
