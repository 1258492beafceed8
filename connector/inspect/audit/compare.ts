import { entriesIn } from '../../index/client-table.ts'
import type { ClientKey } from '../../index/index-entry.ts'
import { entriesOf } from './audited-index.ts'
import {
  type Audited,
  type DifferenceKind,
  differenceKinds,
  type ExceptionKind,
  exceptionKinds,
  type Kind,
  markKind,
  type NamedKind,
  namedKinds,
  sourceKind,
  topicKind,
} from './client-kinds.ts'

export interface Comparison {
  readonly clients: Readonly<Record<'source' | 'index' | 'topic', number>>
  readonly differences: Readonly<Record<DifferenceKind, number>>
  readonly exceptions: Readonly<Record<ExceptionKind, number>>
  /** The first clients of each kind. */
  readonly keys: ReadonlyMap<NamedKind, readonly ClientKey[]>
}

/** Limit of named clients of a kind. */
export const MAX_KEYS = 100

/** Compares what the source, the index and the topic have of each client. Pure. */
export function compare(audited: Audited): Comparison {
  const { source, after, topic } = audited
  let inIndex = 0
  const counts = new Map<Kind, number>()
  const keys = new Map<NamedKind, ClientKey[]>(namedKinds.map((kind) => [kind, []]))
  for (const key of keysIn(audited)) {
    inIndex += entriesOf(after, key).length > 0 ? 1 : 0
    const kinds = [sourceKind(audited, key), topicKind(audited, key), markKind(after.table.get(key))]
    for (const kind of new Set(kinds)) {
      if (kind === undefined) continue
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      const named = isNamed(kind) ? keys.get(kind) : undefined
      if (named !== undefined && named.length < MAX_KEYS) named.push(key)
    }
  }
  const countsOf = <Name extends Kind>(kinds: readonly Name[]) =>
    Object.fromEntries(kinds.map((kind) => [kind, counts.get(kind) ?? 0])) as Record<Name, number>
  return {
    clients: { source: source.table.size(), index: inIndex, topic: topic.clients },
    differences: countsOf(differenceKinds),
    exceptions: countsOf(exceptionKinds),
    keys,
  }
}

const isNamed = (kind: Kind): kind is NamedKind => namedKinds.some((one) => one === kind)

/** The key of each client once. */
function* keysIn({ source, after, before, topic }: Audited): Generator<ClientKey, void> {
  const tables = [source.table, after.table, after.pending, before.table, topic.table]
  for (const [at, table] of tables.entries()) {
    const earlier = tables.slice(0, at)
    for (const [key] of entriesIn(table)) if (earlier.every((one) => one.get(key) === undefined)) yield key
  }
}

/**
 * Whether the topic keeps the last event of every client. `expires`: Kafka deletes old events. `shared`: events of
 * another stream replace them. `unknown`: this user may not read its settings.
 */
export const retentions = ['kept', 'expires', 'shared', 'unknown'] as const
export type Retention = (typeof retentions)[number]

/** By the settings of the topic; undefined: not visible. Pure. */
export function retentionOf(settings: ReadonlyMap<string, string> | undefined, isShared: boolean): Retention {
  if (isShared) return 'shared'
  if (settings === undefined) return 'unknown'
  const policies = settings.get('cleanup.policy')?.split(',') ?? []
  const isUnlimited = ['retention.ms', 'retention.bytes'].every((name) => settings.get(name) === '-1')
  return policies.includes('delete') && !isUnlimited ? 'expires' : 'kept'
}

/** The number of differences that count: events that the topic need not keep may be missing. Pure. */
export function countedDifferences({ differences }: Pick<Comparison, 'differences'>, retention: Retention): number {
  const mayBeMissing = retention === 'expires' || retention === 'shared'
  return Object.values(differences).reduce((sum, count) => sum + count, mayBeMissing ? -differences.notInTopic : 0)
}
