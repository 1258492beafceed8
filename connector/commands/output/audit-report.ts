import type { AuditResult } from '../../inspect/audit/audit-stream.ts'
import { countDiffering } from '../../inspect/audit/compare.ts'
import type { PlacedRecord } from '../../inspect/audit/topic-clients.ts'
import { isoTime } from './text.ts'

/** Limit of every list of client ids. */
export const MAX_IDS = 1_000

/** The differences whose clients can be named: what is missing and what is different has one cure. */
export const namedKinds = ['missing', 'gone'] as const
export type NamedKind = (typeof namedKinds)[number]

/** What an audit was about, and what it found. */
interface Audited {
  readonly stream: string
  readonly topics: { readonly events: string; readonly deadLetters: string }
  readonly named: NamedKind | undefined
  readonly client: string | undefined
  readonly result: AuditResult
}

export type AuditReport = ReturnType<typeof auditReport>

/** What `audit` prints. Invariant 8: ids only if they were asked for. */
export function auditReport({ stream, topics, named, client, result: { differing, clients, client: found } }: Audited) {
  const { missing, different, gone } = differing.ids
  const ids = named === 'gone' ? gone : [...missing, ...different]
  return {
    stream,
    agree: countDiffering(differing) === 0,
    clients,
    differences: {
      missing: missing.length + differing.withoutId,
      different: different.length,
      gone: gone.length,
    },
    ids: named && ids.slice(0, MAX_IDS),
    client: client === undefined ? undefined : clientReport(found, topics),
  }
}

function clientReport({ isInSource, records, deadLetters }: AuditResult['client'], topics: Audited['topics']) {
  const places = [
    ...records.map((record) => placeOf(topics.events, record, record.kind)),
    ...deadLetters.map((record) => placeOf(topics.deadLetters, record, 'dead-letter')),
  ]
  const isNothingLeft = !isInSource && places.length === 0
  const proof = isNothingLeft ? 'nothing is left in the source, the topic and the dead letters' : undefined
  return { isNothingLeft, proof, isInSource, records: places }
}

type Placed = Pick<PlacedRecord, 'partition' | 'offset' | 'timeMs'>

const placeOf = (topic: string, { partition, offset, timeMs }: Placed, kind: string) => ({
  topic,
  partition,
  offset: String(offset),
  kind,
  time: isoTime(timeMs),
})
