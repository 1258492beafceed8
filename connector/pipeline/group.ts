import type { StateChange, StreamState } from '../checkpoint/stream-state.ts'
import { type DeadLetterLimit, deadLetterGuard } from '../event/dead-letter.ts'
import { type ConfiguredFields, type FieldMapping, mapFields } from '../event/field-mapping.ts'
import { type ClientOutcome, type EventSettings, type PageEvents, pageEvents } from '../event/page-events.ts'
import { repeatWatch } from '../event/repeat-watch.ts'
import { openWindow, type WindowStep } from '../event/window.ts'
import type { OutgoingRecord } from '../publish/event-publisher.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { SourceTime } from '../source/client-source.ts'
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

/** Turns readings into groups, one after the other: each goes on from the state that the one before leads to. */
export interface GroupBuilder {
  /** Adds a page to the group being built. Throws `source.mapping` or `event.too-many-dead-letters`. */
  add(reading: PageReading): void
  size(): number
  /** Clients read since the drain began. */
  depth(): number
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
  const { observe } = parts
  const window = openWindow(from.window, parts.windowCapacity)
  const deadLetters = deadLetterGuard(parts.deadLetterLimit)
  const repeats = repeatWatch()
  let { resume, events, mapping } = from
  let depth = 0
  let group = emptyGroup()

  const slide = (step: WindowStep) => {
    group.windowSteps.push(step)
    const entries = window.apply(step)
    if (entries > 0) observe({ kind: 'window-overflowed', entries })
  }

  const take = (outcome: ClientOutcome, reading: PageReading) => {
    if (deadLetters.add(outcome.kind === 'dead-letter' ? 'dead-letter' : 'event') === 'too-many')
      throw tooManyDeadLetters(mapping)
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
    events += 1
    observeLateness(outcome, reading, parts)
    const fields = outcome.again ? repeats.publishedAgain(outcome.clientHash, outcome.client) : undefined
    if (fields !== undefined) observe({ kind: 'fields-keep-changing', fields })
  }

  const takeClients = (reading: PageReading): PageEvents | undefined => {
    const found = mapFields(reading.page.clients, parts.fields, mapping)
    if (found === undefined || reading.page.clients.length === 0) return undefined
    observeDetected(found, mapping, parts)
    mapping = found
    const made = pageEvents(
      {
        clients: reading.page.clients,
        readWith: reading.at,
        readAt: reading.readAt,
        latestReading: latestReading(reading.readAt, parts.settings.timeZone),
        mapping,
        events,
      },
      window,
      parts.settings,
    )
    for (const outcome of made.outcomes) take(outcome, reading)
    slide({ kind: 'seen', slice: { until: made.until, entries: made.entries } })
    return made
  }

  return {
    add: (reading) => {
      if (reading.freezeFrom !== undefined) slide({ kind: 'freeze', keepFrom: reading.freezeFrom })
      if (reading.beginsDrain) repeats.nextDrain()
      const made = takeClients(reading)
      const lastModifiedAt = made?.lastModifiedAt ?? (reading.beginsDrain ? null : resume.lastModifiedAt)
      resume = { ...reading.next, lastModifiedAt }
      depth = (reading.beginsDrain ? 0 : depth) + reading.page.clients.length
      group.pages += 1
    },
    size: () => group.size,
    depth: () => depth,
    lastModifiedAt: () => resume.lastModifiedAt,
    finish: () => {
      const { windowSteps, ...counted } = group
      group = emptyGroup()
      const reached = { resume, events, mapping }
      return { ...counted, change: { ...reached, windowSteps }, after: { ...reached, window: window.state() } }
    },
  }
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

/** Only a change that the drain before could have seen is late for good; after a pause, everything is read late. */
function observeLateness({ modified }: ClientOutcome, reading: PageReading, { overlapMs, observe }: GroupParts): void {
  if (modified === undefined) return
  observe({ kind: 'lateness', ms: Math.max(0, reading.readAt - modified.instant) })
  const missedByMs = (reading.previousStartedAt ?? Number.NEGATIVE_INFINITY) - modified.instant
  if (missedByMs > overlapMs / 2) observe({ kind: 'lateness-high', ms: missedByMs, overlapMs })
}
