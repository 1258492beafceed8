import type { TopicEvent } from './topic-event.ts'

/** The changes among the events, without what operators have caused beside them. */
export interface SeparatedEvents {
  readonly changes: readonly TopicEvent[]
  readonly problems: readonly string[]
}

/**
 * `events`: those of each client in the order of its partition. Removes unchanged clients that were published again on
 * request. Any other event that repeats a version stays, and is a duplicate.
 */
export function separated(events: readonly TopicEvent[]): SeparatedEvents {
  const versions = new Map<string, string>()
  const problems: string[] = []
  const changes = events.filter(({ key, version, sequence, isRepublished }) => {
    const before = versions.get(key)
    versions.set(key, version)
    if (!isRepublished) return true
    if (version === before) return false
    problems.push(`client ${key}: published again as version ${version}, sequence ${sequence}`)
    return true
  })
  return { changes, problems }
}
