import type { EventMarks } from '../../event/client-event.ts'
import type { ModificationTime } from '../../event/modification-time.ts'
import { deadLetterContent, outgoingRecord } from '../../event/outgoing-record.ts'
import type { ReadClient } from '../../event/read-client.ts'
import { type IndexEntry, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Lane, Republication, Scan } from '../../scan/scan-state.ts'
import type { ScanCounts } from '../pipeline-event.ts'
import type { PageReading } from '../read/reader-parts.ts'
import type { Building } from './building.ts'

/**
 * Notes when a client was changed. A client that was published before counts too, since after a restart the newest
 * change is not known until a look-back reads it again.
 */
function noteChange(added: Building['added'], modified: ModificationTime | undefined, serverNow: number) {
  if (modified?.hasTimeOfDay === true && modified.instant <= serverNow)
    added.newestChange = Math.max(added.newestChange ?? 0, modified.instant)
}

/** Adds the clients of a page. */
export function addClients(building: Building, reading: PageReading): void {
  // Invariant 3: events of one client keep the order in which the API returned them.
  for (const client of reading.clients) addClient(building, client, reading)
}

function addClient(building: Building, client: ReadClient, reading: PageReading) {
  const { added, scans } = building
  const { scan, readAt } = reading
  noteChange(added, client.modified, readAt.server)
  const known = knownEntry(building, client)
  const counts = countsOf(added, scan.lane)
  const isSame = known !== undefined && known.content === contentAs(known, { building, client, reading })
  const republication = scan.lane === 'history' ? scans.history.republication : null
  const outcome = clientOutcome(known, { isSame, scanNumber: scan.number, republication })
  if (outcome === 'suppressed' || outcome === 'superseded') {
    counts[outcome] += 1
    return
  }
  const republishedBy = outcome === 'republished' ? republication?.id : undefined
  addRecord(building, { client, known, counts, republishedBy }, reading)
}

/** Describes a client as a scan finds it. */
interface FoundClient {
  /** Whether its content is that of its index entry. */
  readonly isSame: boolean
  /** The scan that finds it has this number. */
  readonly scanNumber: number
  /** An operator has asked this scan to publish again; null if not, or if it is no history. */
  readonly republication: Republication | null
}

/** Decides what becomes of a client, by its entry in the index. An event that is `republished` has that mark. Pure. */
export function clientOutcome(known: IndexEntry | undefined, { isSame, scanNumber, republication }: FoundClient) {
  if (known === undefined) return republication?.isIndexNew === true ? 'republished' : 'published'
  // Its event is older than the rewind, and so are all scans that can have published it.
  if (republication !== null && known.eventNumber < republication.beforeEvent) return 'republished'
  if (isSame) return 'suppressed'
  // Invariant 3: a scan that began later saw the client later. If this page shows a newer content than that scan saw,
  // a later scan reads the change.
  if (known.scanNumber > scanNumber) return 'superseded'
  return republication !== null && known.content === UNKNOWN_CONTENT ? 'republished' : 'published'
}

/** Returns the newest entry of the client, with those that were added and are not committed yet. */
function knownEntry({ entries, undelivered, table }: Building, { key }: ReadClient): IndexEntry | undefined {
  return entries.get(key) ?? undelivered.get(key) ?? table.get(key)
}

/** Returns the content of the client as an index entry of this kind has it. */
function contentAs(
  { isDeadLetter }: Pick<IndexEntry, 'isDeadLetter'>,
  { building, client, reading }: { building: Building; client: ReadClient; reading: PageReading },
) {
  if (!isDeadLetter) return client.content
  return deadLetterContent(client, { ...building.parts.settings, idField: idFieldOf(reading) })
}

const idFieldOf = ({ mapping, scan }: PageReading) => mapping[scan.output]?.clientId ?? ''

interface PublishedClient {
  readonly client: ReadClient
  readonly known: IndexEntry | undefined
  readonly counts: ScanCounts
  /** The event is marked as republished by this rewind. */
  readonly republishedBy: string | undefined
}

function addRecord(building: Building, found: PublishedClient, reading: PageReading) {
  const { client, known, counts, republishedBy } = found
  const { parts, generation, added, deadLetterGuard, nextEvent } = building
  const { scan, readAt } = reading
  const previous = known === undefined ? `g${generation}` : String(known.eventNumber)
  const idField = idFieldOf(reading)
  const { history } = building.scans
  const isFirst = history.state === 'first'
  const snapshot = (isFirst && scan.lane === 'history') || undefined
  const marks: EventMarks = { snapshot, historycomplete: !isFirst || undefined, republished: republishedBy }
  const context = { sequence: nextEvent, readAt: readAt.server, idField, previous, marks }
  const { kind, record } = outgoingRecord(client, context, parts.settings)
  if (deadLetterGuard.add(kind) === 'too-many') throw tooManyDeadLettersError(idField)
  added.records.push(record)
  added.size += record.value.length
  const isDeadLetter = kind === 'dead-letter'
  const content = contentAs({ isDeadLetter }, { building, client, reading })
  building.entries.set(client.key, { content, eventNumber: nextEvent, scanNumber: scan.number, isDeadLetter })
  building.nextEvent += 1
  if (isDeadLetter) {
    added.deadLetters += 1
    return
  }
  counts.events += 1
  if (republishedBy !== undefined) return
  added.newestChange = Math.max(added.newestChange ?? 0, serverChangeTime(client.modified, readAt))
  const changedAt = ourChangeTime(client.modified, { scan, readAt })
  if (changedAt !== undefined) added.changedAt.push(changedAt)
}

function countsOf({ scans }: Building['added'], lane: Lane): ScanCounts {
  const counts = scans.get(lane) ?? { events: 0, suppressed: 0, superseded: 0 }
  scans.set(lane, counts)
  return counts
}

function tooManyDeadLettersError(field: string) {
  return new ConnectorError(
    'event.too-many-dead-letters',
    `make events: too many clients cannot become events (client id field: ${field})`,
  )
}

/**
 * Returns when a change that a live scan publishes was made, by our clock; undefined if its time of day is not known.
 */
export function ourChangeTime(
  modified: ModificationTime | undefined,
  { scan, readAt }: { scan: Scan; readAt: Times },
): number | undefined {
  if (scan.lane !== 'live' || modified?.hasTimeOfDay !== true) return undefined
  return modified.instant + readAt.ours - readAt.server
}

/**
 * Returns when a change was made, by the server's clock, but no later than now. A date alone does not say when on its
 * day, and counts as now.
 */
export function serverChangeTime(modified: ModificationTime | undefined, { server }: Times): number {
  return modified?.hasTimeOfDay === true ? Math.min(modified.instant, server) : server
}
