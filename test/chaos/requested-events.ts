import type { TopicEvent } from './topic-event.ts'

/** The changes among the events, without what operators and deletions in the source have caused beside them. */
export interface SeparatedEvents {
  readonly changes: readonly TopicEvent[]
  readonly problems: readonly string[]
}

/** What is known of a client while its events are read in order. */
interface Client {
  version: string | undefined
  /** The topic has no content of the client: `returned` content may be the same as before. */
  state: 'published' | 'erased' | 'returned'
}

/**
 * `events`: those of each client in the order of its partition. Removes events that repeat a version for a good reason: unchanged clients that were published again on request, and
 * clients that were absent from the source and came back. Any other repetition stays, and is a duplicate.
 */
export function separated(events: readonly TopicEvent[], wereAbsent: ReadonlySet<string>): SeparatedEvents {
  const clients = new Map<string, Client>()
  const problems: string[] = []
  const changes = events.filter((event) => {
    const client = clients.get(event.key) ?? { version: undefined, state: 'published' }
    clients.set(event.key, client)
    if (event.type === 'client.removed' && !wereAbsent.has(event.key))
      problems.push(`client ${event.key}: removed, but never absent, sequence ${event.sequence}`)
    if (event.type !== 'client.modified') {
      client.state = wereAbsent.has(event.key) ? 'returned' : 'erased'
      return false
    }
    const { version, state } = client
    const isSame = event.version === version
    Object.assign(client, { version: event.version, state: 'published' })
    if (event.isRepublished) {
      if (isSame && state === 'published') return false
      problems.push(`client ${event.key}: published again as version ${event.version}, sequence ${event.sequence}`)
    }
    return !(isSame && state === 'returned')
  })
  return { changes, problems }
}

/** Clients with a tombstone on request of an operator. */
export function erasedClients(events: readonly TopicEvent[]): ReadonlySet<string> {
  return new Set(events.flatMap(({ type, key }) => (type === 'client.erased' ? [key] : [])))
}
