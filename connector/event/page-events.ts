import type { OutgoingRecord } from '../publish/event-publisher.ts'
import type { ClientRecord, ReadArguments, SourceTime } from '../source/client-source.ts'
import { earlierOf } from '../source/source-time.ts'
import { type IgnoredPaths, valueAt } from './canonical-json.ts'
import { clientEvent } from './client-event.ts'
import { type DeadLetterCode, deadLetter } from './dead-letter.ts'
import type { FieldMapping } from './field-mapping.ts'
import { fingerprint, sha256 } from './fingerprint.ts'
import { type ModificationTime, modificationTime } from './modification-time.ts'
import { type Window, windowEntry } from './window.ts'

export interface EventSettings {
  /** `/polaris/<connector>/<stream>` */
  readonly source: string
  readonly timeZone: string
  readonly hashIgnore: IgnoredPaths
  /** The largest value in bytes that the topic takes. */
  readonly maxValueBytes: number
  readonly deadLetterClient: 'leave-out' | 'include'
}

/** The clients of a page, and what is known about them. */
export interface PageOfClients {
  readonly clients: readonly ClientRecord[]
  readonly readWith: ReadArguments
  /** By the server's clock, ms since 1970. */
  readonly readAt: number
  /** No client of the page can have changed later, where its own time is not mapped. */
  readonly latestReading: SourceTime
  readonly mapping: FieldMapping
  /** The stream's events before this page. */
  readonly events: number
}

/** What became of one client. `again`: the window knew the client with other content. */
export type ClientOutcome = {
  readonly client: ClientRecord
  readonly clientHash: string
  readonly modified: ModificationTime | undefined
} & (
  | { readonly kind: 'event' | 'dead-letter'; readonly record: OutgoingRecord; readonly again: boolean }
  | { readonly kind: 'suppressed' }
)

export interface PageEvents {
  readonly outcomes: readonly ClientOutcome[]
  /** The page's slice of the window. */
  readonly entries: string
  readonly until: SourceTime
  /** The modification time of the last client that has one; not later than the read, whatever a shop's clock said. */
  readonly lastModifiedAt: SourceTime | null
}

/** Turns the clients of a page into events and dead letters, without those that the window knows. Pure but for reading the window. */
export function pageEvents(page: PageOfClients, window: Window, settings: EventSettings): PageEvents {
  const idPath = page.mapping.clientId.split('.')
  const modifiedPath = page.mapping.modifiedAt?.split('.')
  const onThisPage = new Map<string, string>()
  const outcomes: ClientOutcome[] = []
  let entries = ''
  let until = '' as SourceTime
  let lastModifiedAt: SourceTime | null = null
  let events = page.events

  // Invariant 3: in the order in which the API gave them.
  for (const client of page.clients) {
    const id = valueAt(client, idPath)
    const modifiedText = modifiedPath === undefined ? undefined : valueAt(client, modifiedPath)
    const modified = typeof modifiedText === 'string' ? modificationTime(modifiedText, settings.timeZone) : undefined
    const { json, contentHash } = fingerprint(client, settings.hashIgnore)
    const clientHash = sha256(typeof id === 'string' ? id : contentHash)
    const entry = windowEntry(clientHash, contentHash)
    const known = onThisPage.get(clientHash)
    const seenAs = known === undefined ? window.compare(entry) : known === entry ? 'same' : 'other'
    entries += entry
    onThisPage.set(clientHash, entry)
    const changedUntil = modified?.wallClock ?? page.latestReading
    if (changedUntil > until) until = changedUntil
    if (modified !== undefined) lastModifiedAt = earlierOf(modified.wallClock, page.latestReading)

    const about = { client, clientHash, modified }
    if (seenAs === 'same') {
      outcomes.push({ ...about, kind: 'suppressed' })
      continue
    }
    const made = makeRecord({ id, json, contentHash, modified, modifiedText, events }, page, settings)
    if (made.kind === 'event') events += 1
    outcomes.push({ ...about, ...made, again: seenAs === 'other' })
  }
  return { outcomes, entries, until, lastModifiedAt }
}

interface ClientParts {
  readonly id: ReturnType<typeof valueAt>
  readonly json: string
  readonly contentHash: string
  readonly modified: ModificationTime | undefined
  readonly modifiedText: ReturnType<typeof valueAt>
  readonly events: number
}

type Made = { readonly kind: 'event' | 'dead-letter'; readonly record: OutgoingRecord }

function makeRecord(parts: ClientParts, page: PageOfClients, settings: EventSettings): Made {
  const { id, json, contentHash, modified, modifiedText, events } = parts
  if (typeof id !== 'string' || id === '') {
    const code = id === undefined || id === '' ? 'client-id-missing' : 'client-id-not-text'
    return asDeadLetter({ code, key: null, bytes: Buffer.byteLength(json) }, parts, page, settings)
  }
  const value = clientEvent({
    source: settings.source,
    clientId: id,
    json,
    contentHash,
    modifiedAt: typeof modifiedText === 'string' ? modifiedText : undefined,
    readWith: page.readWith,
    timeMs: modified?.instant ?? page.readAt,
    sequence: events,
  })
  // A UTF-16 unit takes at most three bytes: most events need no counting.
  const bytes = value.length * 3 <= settings.maxValueBytes ? 0 : Buffer.byteLength(value)
  if (bytes > settings.maxValueBytes)
    return asDeadLetter({ code: 'client-too-large', key: id, bytes }, parts, page, settings)
  return { kind: 'event', record: { to: 'events', key: id, value } }
}

function asDeadLetter(
  { code, key, bytes }: { code: DeadLetterCode; key: string | null; bytes: number },
  { json, contentHash }: ClientParts,
  { mapping }: PageOfClients,
  { deadLetterClient, maxValueBytes }: EventSettings,
): Made {
  const parts = { code, field: mapping.clientId, bytes, contentHash }
  const whole = deadLetterClient === 'include' ? deadLetter({ ...parts, clientJson: json }) : undefined
  const fits = whole !== undefined && Buffer.byteLength(whole) <= maxValueBytes
  return {
    kind: 'dead-letter',
    record: { to: 'deadLetters', key, value: fits ? whole : deadLetter({ ...parts, clientJson: undefined }) },
  }
}
