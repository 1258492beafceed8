import type { Comparison } from './compare.ts'

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
