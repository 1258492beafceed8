import { rulesOf, rulesText } from '../index/client-index.ts'
import type { EventSettings } from './client-record.ts'
import type { EventForm } from './cloud-event/event-form.ts'
import { fieldAttributes } from './fields/field-rules.ts'
import { presentRules, type ReadingRules } from './read-client.ts'

/** What is configured about the events of a stream. */
interface ConfiguredEvents {
  readonly eventSource: string
  readonly kafka: { readonly maxMessageBytes: number }
  readonly poll: { readonly timeZone: string }
  readonly fields: { readonly clientId: string | null; readonly lists: readonly string[] }
  readonly hashIgnore: ReadingRules['ignored']
  readonly event: Omit<ReadingRules, 'timeZone' | 'ignored' | 'lists'>
  readonly eventMode: EventForm['mode']
  readonly deadLetterClient: EventSettings['deadLetterClient']
}

/** What of a client decides whether it changed, and what its event contains. */
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
  event,
}: ConfiguredEvents): EventSettings {
  const extensions = fieldAttributes(event.fields, event.hmac)
  return {
    form: { mode, source, extensions },
    maxValueBytes: kafka.maxMessageBytes - FRAMING_BYTES,
    deadLetterClient,
  }
}

/** The rules of the client index. Another id field or size limit may turn dead letters into events. */
export function indexRules(stream: ConfiguredEvents): string {
  const rules = presentRules(readingRules(stream), `${stream.fields.clientId} ${stream.kafka.maxMessageBytes}`)
  return indexRulesWithLists(rules, stream.fields.lists)
}

interface WithRules {
  readonly settings: EventSettings
  readonly rules: ReadingRules
  readonly indexRules: string
}

/** How clients become events with these lists. */
export function withLists<Parts extends Pick<WithRules, 'rules' | 'indexRules'>>(
  parts: Parts,
  lists: readonly string[],
): Parts {
  return { ...parts, rules: { ...parts.rules, lists }, indexRules: indexRulesWithLists(parts.indexRules, lists) }
}

/** The rules of the client index, as text, of clients with these lists. */
export function indexRulesWithLists(text: string, lists: readonly string[]): string {
  if (lists.length === 0) return text
  const rules = rulesOf(text)
  const paths = new Set([...(rules.lists ?? []), ...lists.map((path) => path.toLowerCase())])
  return rulesText({ ...rules, lists: [...paths].toSorted() })
}
