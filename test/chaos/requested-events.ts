import type { TopicEvent } from './topic-event.ts'

/** The changes among the events, without what operators have caused beside them. */
export interface SeparatedEvents {
  readonly changes: readonly TopicEvent[]
  readonly problems: readonly string[]
}

/** What is known of a client while its events are read in order. */
interface Client {
  version: string | undefined
  state: 'published' | 'erased'
}

/**
 * `events`: those of each client in the order of its partition. Removes unchanged clients that were published again on
 * request. Any other event that repeats a version stays, and is a duplicate.
 */
export function separated(events: readonly TopicEvent[]): SeparatedEvents {
  const clients = new Map<string, Client>()
  const problems: string[] = []
  const changes = events.filter((event) => {
    const client = clients.get(event.key) ?? { version: undefined, state: 'published' }
    clients.set(event.key, client)
    if (event.type === 'client.erased') {
      client.state = 'erased'
      return false
    }
    const { version, state } = client
    Object.assign(client, { version: event.version, state: 'published' })
    if (!event.isRepublished) return true
    if (event.version === version && state === 'published') return false
    problems.push(`client ${event.key}: published again as version ${event.version}, sequence ${event.sequence}`)
    return true
  })
  return { changes, problems }
}

/** Clients with a tombstone on request of an operator. */
export function erasedClients(events: readonly TopicEvent[]): ReadonlySet<string> {
  return new Set(events.flatMap(({ type, key }) => (type === 'client.erased' ? [key] : [])))
}
