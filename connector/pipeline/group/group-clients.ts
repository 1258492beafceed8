import type { EventMarks } from '../../event/client-event.ts'
import type { ModificationTime } from '../../event/modification-time.ts'
import { deadLetterContent, outgoingRecord } from '../../event/outgoing-record.ts'
import type { ReadClient } from '../../event/read-client.ts'
import { type IndexEntry, UNKNOWN_CONTENT } from '../../index/index-entry.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Times } from '../../scan/scan-settings.ts'
import type { Lane, Republication, Scan } from '../../scan/scan-state.ts'
import type { LaneCounts } from '../pipeline-event.ts'
import type { PageReading } from '../read/reader-parts.ts'
import type { BuilderState } from './builder-state.ts'

/**
 * Keeps the time of the newest change, which metrics and the status show. A client that is not published again counts
 * too, since after a restart the newest change is not known until a look-back reads it again.
 */
function noteChange(groupSoFar: BuilderState['groupSoFar'], modified: ModificationTime | undefined, serverNow: number) {
  if (modified?.hasTimeOfDay === true && modified.instant <= serverNow)
    groupSoFar.newestChange = Math.max(groupSoFar.newestChange ?? 0, modified.instant)
}

/** Adds the clients of a page. */
export function addClients(builderState: BuilderState, reading: PageReading): void {
  // Invariant 3: events of one client keep the order in which the API returned them.
  for (const client of reading.clients) addClient(builderState, client, reading)
}

function addClient(builderState: BuilderState, client: ReadClient, reading: PageReading) {
  const { groupSoFar, scans } = builderState
  const { scan, readAt } = reading
  noteChange(groupSoFar, client.modified, readAt.server)
  const entry = newestEntryOf(builderState, client)
  const laneCounts = laneCountsOf(groupSoFar, scan.lane)
  const isContentSame =
    entry !== undefined && entry.content === contentForEntry(entry, { builderState, client, reading })
  const republication = scan.lane === 'history' ? scans.history.republication : null
  const outcome = clientOutcome(entry, { isContentSame, scanNumber: scan.number, republication })
  if (outcome === 'suppressed' || outcome === 'superseded') {
    laneCounts[outcome] += 1
    return
  }
  const republishedBy = outcome === 'republished' ? republication?.id : undefined
  addRecord(builderState, { client, entry, laneCounts, republishedBy }, reading)
}

/** Describes a client as a scan finds it. */
interface FoundClient {
  /** Whether its content is that of its index entry. */
  readonly isContentSame: boolean
  /** The scan that finds it has this number. */
  readonly scanNumber: number
  /** An operator has asked this scan to publish again; null if not, or if it is no history. */
  readonly republication: Republication | null
}

/**
 * Decides what becomes of a client, by its entry in the index. An event that is `republished` has that mark. The
 * function is pure.
 */
export function clientOutcome(
  entry: IndexEntry | undefined,
  { isContentSame, scanNumber, republication }: FoundClient,
) {
  if (entry === undefined) return republication?.isIndexNew === true ? 'republished' : 'published'
  // The event of the entry is older than the rewind, and this history has read the client after the rewind: so the scan
  // numbers need not be compared.
  if (republication !== null && entry.eventNumber < republication.beforeEvent) return 'republished'
  if (isContentSame) return 'suppressed'
  // Invariant 3: a scan that began later saw the client later. If this page shows a newer content than that scan saw,
  // a later scan reads the change.
  if (entry.scanNumber > scanNumber) return 'superseded'
  return republication !== null && entry.content === UNKNOWN_CONTENT ? 'republished' : 'published'
}

/** Returns the newest entry of the client, with those that were added and are not committed yet. */
function newestEntryOf(
  { newEntries, undeliveredEntries, table }: BuilderState,
  { key }: ReadClient,
): IndexEntry | undefined {
  return newEntries.get(key) ?? undeliveredEntries.get(key) ?? table.get(key)
}

/**
 * Returns the content that the index entry of the client has if the client has not changed. For a dead letter it
 * depends also on the id field and on the largest value that the topic accepts.
 */
function contentForEntry(
  { isDeadLetter }: Pick<IndexEntry, 'isDeadLetter'>,
  { builderState, client, reading }: { builderState: BuilderState; client: ReadClient; reading: PageReading },
) {
  if (!isDeadLetter) return client.content
  return deadLetterContent(client, { ...builderState.parts.settings, idField: idFieldOf(reading) })
}

const idFieldOf = ({ mapping, scan }: PageReading) => mapping[scan.output]?.clientId ?? ''

interface PublishedClient {
  readonly client: ReadClient
  readonly entry: IndexEntry | undefined
  readonly laneCounts: LaneCounts
  /** The event is marked as republished by this rewind. */
  readonly republishedBy: string | undefined
}

function addRecord(builderState: BuilderState, publishedClient: PublishedClient, reading: PageReading) {
  const { client, entry, laneCounts, republishedBy } = publishedClient
  const { parts, generation, groupSoFar, guardOfThisRun, nextEvent } = builderState
  const { scan, readAt } = reading
  const previous = entry === undefined ? `g${generation}` : String(entry.eventNumber)
  const idField = idFieldOf(reading)
  const { history } = builderState.scans
  const isFirstHistory = history.state === 'first'
  const snapshot = (isFirstHistory && scan.lane === 'history') || undefined
  const marks: EventMarks = { snapshot, historycomplete: !isFirstHistory || undefined, republished: republishedBy }
  const context = { sequence: nextEvent, readAt: readAt.server, idField, previous, marks }
  const { kind, record } = outgoingRecord(client, context, parts.settings)
  if (guardOfThisRun.add(kind) === 'too-many') throw tooManyDeadLettersError(idField)
  groupSoFar.records.push(record)
  groupSoFar.valueBytes += record.value.length
  const isDeadLetter = kind === 'dead-letter'
  const content = contentForEntry({ isDeadLetter }, { builderState, client, reading })
  builderState.newEntries.set(client.key, { content, eventNumber: nextEvent, scanNumber: scan.number, isDeadLetter })
  builderState.nextEvent += 1
  if (isDeadLetter) {
    groupSoFar.deadLetters += 1
    return
  }
  laneCounts.events += 1
  if (republishedBy !== undefined) return
  groupSoFar.newestChange = Math.max(groupSoFar.newestChange ?? 0, serverChangeTime(client.modified, readAt))
  const changeTime = ourChangeTime(client.modified, { scan, readAt })
  if (changeTime !== undefined) groupSoFar.changeTimes.push(changeTime)
}

function laneCountsOf({ countsByLane }: BuilderState['groupSoFar'], lane: Lane): LaneCounts {
  const counts = countsByLane.get(lane) ?? { events: 0, suppressed: 0, superseded: 0 }
  countsByLane.set(lane, counts)
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
