import type { EventSettings } from './client-record.ts'
import type { EventForm } from './cloud-event/event-form.ts'
import type { ReadingRules } from './read-client.ts'

/** What is configured about the events of a stream. */
interface ConfiguredEvents {
  readonly eventSource: string
  readonly kafka: { readonly maxMessageBytes: number }
  readonly poll: { readonly timeZone: string }
  readonly fields: Pick<ReadingRules, 'lists'>
  readonly hashIgnore: ReadingRules['ignored']
  readonly event: Pick<ReadingRules, 'fields' | 'hmac' | 'types'>
  readonly eventMode: EventForm['mode']
  readonly deadLetterClient: EventSettings['deadLetterClient']
}

/** What of a client its event contains, and what decides whether it changed. */
export function readingRules({
  poll,
  hashIgnore,
  event,
  fields: { lists },
}: Pick<ConfiguredEvents, 'poll' | 'hashIgnore' | 'event' | 'fields'>): ReadingRules {
  return { timeZone: poll.timeZone, ignored: hashIgnore, lists, ...event }
}

/** Upper bound of a record's key, lengths and those headers that every record has, in bytes. */
const FRAMING_BYTES = 1024

/** How the clients of a stream become events. */
export function eventSettings({
  eventSource: source,
  eventMode: mode,
  kafka,
  deadLetterClient,
}: ConfiguredEvents): EventSettings {
  return {
    form: { mode, source },
    maxValueBytes: kafka.maxMessageBytes - FRAMING_BYTES,
    deadLetterClient,
  }
}
