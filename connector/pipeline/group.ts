import type { ResumePoint, StateChange, StreamState } from '../checkpoint/stream-state.ts'
import { type DeadLetterLimit, deadLetterGuard } from '../event/dead-letter.ts'
import { type ConfiguredFields, type FieldMapping, mapFields } from '../event/field-mapping.ts'
import { type ClientOutcome, type EventSettings, type PageEvents, pageEvents } from '../event/page-events.ts'
import { type RepeatWatch, repeatWatch } from '../event/repeat-watch.ts'
import { openWindow, type Window, type WindowStep } from '../event/window.ts'
import type { OutgoingRecord } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { SourceTime } from '../source/client-source.ts'
import { observeLateness } from './lateness.ts'
import type { PageReading } from './page-reader.ts'
import type { Observe } from './pipeline-event.ts'
import { latestReading } from './polling.ts'

/** The pages that one transaction takes: what is published, and what the checkpoint learns. */
export interface Group {
  readonly pages: number
  readonly records: readonly OutgoingRecord[]
  readonly deadLetters: number
  readonly suppressed: number
  /** UTF-16 units of all values: the size for group commit. */
  readonly size: number
  readonly change: StateChange
  /** The state that the change leads to. */
  readonly after: StreamState
}

/** How far a stream has read since it was opened. */
export interface Progress {
  /** Read to their end. */
  readonly drains: number
  /** Clients of the drain in progress. */
  readonly clients: number
}

/** Turns readings into groups, one after the other: each goes on from the state that the one before leads to. */
export interface GroupBuilder {
  /** Adds a page to the group being built. Throws `source.mapping` or `event.too-many-dead-letters`. */
  add(reading: PageReading): void
  size(): number
  progress(): Progress
  /** The modification time of the last client of the drain, where it is mapped. */
  lastModifiedAt(): SourceTime | null
  /** Ends the group and begins the next one. */
  finish(): Group
}

export interface GroupParts {
  readonly settings: EventSettings
  readonly fields: ConfiguredFields
  readonly deadLetterLimit: DeadLetterLimit
  /** Clients that each generation of the window may hold. */
  readonly windowCapacity: number
  readonly overlapMs: number
  readonly observe: Observe
}

export function groupBuilder(parts: GroupParts, from: StreamState): GroupBuilder {
  const building: Building = {
    parts,
    window: openWindow(from.window, parts.windowCapacity),
    deadLetters: deadLetterGuard(parts.deadLetterLimit),
    repeats: repeatWatch(),
    resume: from.resume,
    events: from.events,
    mapping: from.mapping,
    progress: { drains: 0, clients: 0 },
    group: emptyGroup(),
  }
  return {
    add: (reading) => addPage(building, reading),
    size: () => building.group.size,
    progress: () => building.progress,
    lastModifiedAt: () => building.resume.lastModifiedAt,
    finish: () => finishGroup(building),
  }
}

/** Where the builder stands. */
interface Building {
  readonly parts: GroupParts
  readonly window: Window
  readonly deadLetters: ReturnType<typeof deadLetterGuard>
  readonly repeats: RepeatWatch
  resume: ResumePoint
  events: number
  mapping: FieldMapping | null
  progress: Progress
  group: ReturnType<typeof emptyGroup>
}

function addPage(building: Building, reading: PageReading): void {
  if (reading.freezeFrom !== undefined) slide(building, { kind: 'freeze', keepFrom: reading.freezeFrom })
  if (reading.beginsDrain) building.repeats.nextDrain()
  const made = takeClients(building, reading)
  const lastModifiedAt = made?.lastModifiedAt ?? (reading.beginsDrain ? null : building.resume.lastModifiedAt)
  building.resume = { ...reading.next, lastModifiedAt }
  building.progress = progressAfter(reading, building.progress)
  building.group.pages += 1
}

function progressAfter({ beginsDrain, isLastOfDrain, page }: PageReading, { drains, clients }: Progress): Progress {
  return isLastOfDrain
    ? { drains: drains + 1, clients: 0 }
    : { drains, clients: (beginsDrain ? 0 : clients) + page.clients.length }
}

/** Undefined when the page has no client. */
function takeClients(building: Building, reading: PageReading): PageEvents | undefined {
  const { parts, window, mapping, events } = building
  const { clients } = reading.page
  const found = mapFields(clients, parts.fields, mapping)
  if (found === undefined || clients.length === 0) return undefined
  observeDetected(found, mapping, parts)
  building.mapping = found
  const { readAt, at: readWith } = reading
  const latest = latestReading(reading.page, readAt, parts.settings.timeZone)
  const page = { clients, readWith, readAt, latestReading: latest, mapping: found, events }
  const made = pageEvents(page, window, parts.settings)
  for (const outcome of made.outcomes) take(building, outcome, reading)
  slide(building, { kind: 'seen', slice: { until: made.until, entries: made.entries } })
  return made
}

function take(building: Building, outcome: ClientOutcome, reading: PageReading): void {
  const { parts, group, deadLetters, repeats } = building
  if (deadLetters.add(outcome.kind === 'dead-letter' ? 'dead-letter' : 'event') === 'too-many')
    throw tooManyDeadLetters(building.mapping)
  if (outcome.kind === 'suppressed') {
    group.suppressed += 1
    return
  }
  group.records.push(outcome.record)
  group.size += outcome.record.value.length
  if (outcome.kind === 'dead-letter') {
    group.deadLetters += 1
    return
  }
  building.events += 1
  observeLateness(outcome, reading, parts)
  const fields = outcome.again ? repeats.publishedAgain(outcome.clientHash, outcome.client) : undefined
  if (fields !== undefined) parts.observe({ kind: 'fields-keep-changing', fields })
}

function slide({ group, window, parts }: Building, step: WindowStep): void {
  group.windowSteps.push(step)
  const entries = window.apply(step)
  if (entries > 0) parts.observe({ kind: 'window-overflowed', entries })
}

function finishGroup(building: Building): Group {
  const { resume, events, mapping, window } = building
  const { windowSteps, ...counted } = building.group
  building.group = emptyGroup()
  const reached = { resume, events, mapping }
  return { ...counted, change: { ...reached, windowSteps }, after: { ...reached, window: window.state() } }
}

function emptyGroup() {
  return {
    pages: 0,
    records: [] as OutgoingRecord[],
    deadLetters: 0,
    suppressed: 0,
    size: 0,
    windowSteps: [] as WindowStep[],
  }
}

function tooManyDeadLetters(mapping: FieldMapping | null): ConnectorError {
  const field = mapping?.clientId ?? 'the client id'
  return new ConnectorError(
    'event.too-many-dead-letters',
    `make events: too many clients cannot become one (looking for their id at ${field})`,
  )
}

function observeDetected(found: FieldMapping, before: FieldMapping | null, { fields, observe }: GroupParts): void {
  if (before !== null) return
  if (fields.clientId === null)
    observe({ kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: found.clientId })
  if (fields.modifiedAt === null && found.modifiedAt !== null) {
    observe({ kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: found.modifiedAt })
  }
}
