import type { ContentKey } from '../../index/index-entry.ts'

/** `gone`: in the topic, but no longer in the source. */
type Difference = 'missing' | 'different' | 'gone'

/** What the source returned. */
export interface SourceClients {
  /**
   * The content of each client as it would be published, by client id. A dead letter cannot become an event, and is
   * reported as one.
   */
  readonly byId: ReadonlyMap<string, ContentKey | 'dead-letter'>
  /** How many clients have no valid id. They are dead letters, too. */
  readonly withoutId: number
}

/**
 * The last record of a client: what subscribers have of it. The stream has not written a `foreign` one, nor one of
 * another stream, with which it shares its topic.
 */
export interface LastRecord {
  readonly kind: 'event' | 'tombstone' | 'foreign' | 'other-stream'
  /** Unknown unless it is an event. */
  readonly content: ContentKey
}

type TopicClients = ReadonlyMap<string, LastRecord>

/** Tells how each client differs between the source and the topic. Pure. */
export function compare({ byId }: SourceClients, topic: TopicClients): Map<string, Difference> {
  const found = new Map<string, Difference>()
  for (const id of new Set([...byId.keys(), ...topic.keys()])) {
    const difference = differenceOf(byId.get(id), topic.get(id))
    if (difference !== undefined) found.set(id, difference)
  }
  return found
}

function differenceOf(
  inSource: ContentKey | 'dead-letter' | undefined,
  inTopic: LastRecord | undefined,
): Difference | undefined {
  // Publishing the client again would only make the other stream miss its own record, which compaction deletes.
  if (inTopic?.kind === 'other-stream') return undefined
  if (inSource === 'dead-letter') return inTopic?.kind === 'foreign' ? 'different' : undefined
  if (inTopic === undefined || inTopic.kind === 'tombstone') return inSource === undefined ? undefined : 'missing'
  if (inSource === undefined) return 'gone'
  return inSource === inTopic.content ? undefined : 'different'
}

/** The ids of what differs. */
type ConfirmedDifferences = Readonly<Record<Difference, readonly string[]>>

/**
 * Returns what the second reading of the source confirms: it returned the same of a client as the first one, or nothing
 * either. Any other client changed during the audit. Pure.
 */
export function confirmedDifferences(
  found: ReadonlyMap<string, Difference>,
  first: SourceClients,
  second: SourceClients,
): ConfirmedDifferences {
  const ids: Record<Difference, string[]> = { missing: [], different: [], gone: [] }
  for (const [id, difference] of found) if (first.byId.get(id) === second.byId.get(id)) ids[difference].push(id)
  return ids
}
