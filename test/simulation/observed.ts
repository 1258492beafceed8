import type { PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { type ErrorCode, errorCatalogue } from '../../connector/runtime/error-catalogue.ts'
import type { ScanKind } from '../../connector/scan/scan-state.ts'
import { MAX_POLL_MS, POLL_MS } from './simulated-poll.ts'
import { alerted } from './simulated-trouble.ts'
import type { World } from './world.ts'

/** Checks, by what one run of a stream reports, that live scans go first; collects the kinds of events. */
export function observed(world: World, stream: string, clock: Clock) {
  let changedAt = clock.monotonic()
  /** When the last pages were read that may have changes. */
  let readAt = [changedAt]
  const intervalMs = () => (clock.monotonic() - changedAt < QUIET_AFTER_MS ? POLL_MS : MAX_POLL_MS)
  let liveDueAt = Number.POSITIVE_INFINITY
  /** Background pages read since a live scan was due. */
  let pages = 0
  return (event: PipelineEvent): void => {
    world.eventKinds.add(event.kind === 'stream-state' ? `${event.was} → ${event.state}` : event.kind)
    if (event.kind === 'pages-published')
      for (const [kind, { events, superseded }] of event.scans) {
        if (superseded > 0) world.eventKinds.add('superseded')
        if (events > 0) world.eventKinds.add(`${kind} events`)
        // Delivery may have taken long.
        if (events > 0 && isCounted(kind)) changedAt = readAt[0] ?? changedAt
      }
    const alert = alertOf(event)
    if (alert !== undefined) alerted(world, stream, alert)
    if (event.kind === 'scans-not-interleaved') world.serialStreams.add(stream)
    if (event.kind === 'stream-claimed') liveDueAt = Number.POSITIVE_INFINITY
    if (event.kind === 'scan-started' && event.scan === 'live') {
      liveDueAt = clock.monotonic() + intervalMs()
      pages = 0
    }
    if (event.kind !== 'page-read') return
    if (isCounted(event.scan)) readAt = [...readAt, clock.monotonic()].slice(-IN_PROGRESS)
    if (event.scan === 'live') pages = 0
    else if (clock.monotonic() > liveDueAt) pages += 1
    if (pages > MOST_PAGES && !world.serialStreams.has(stream))
      world.violations.push(`${stream}: a live scan waits for ${pages} background pages`)
  }
}

/** The error of which an operator gets an alert. */
function alertOf(event: PipelineEvent): ErrorCode | undefined {
  if (event.kind === 'stream-held' || event.kind === 'stream-still-held') return event.code
  return event.kind === 'pause-unsettled' && errorCatalogue[event.code].then === 'hold' ? event.code : undefined
}

/** Only their changes shorten the pause between live scans. */
const isCounted = (kind: ScanKind) => kind === 'live' || kind === 'look-back'
/** Pages that may be read and not delivered. */
const IN_PROGRESS = 4

/** From here on, live scans may begin later. */
const QUIET_AFTER_MS = 600_000 - MAX_POLL_MS

/** One that has begun, and until interleaving is proven, the second page of each of two scans. */
const MOST_PAGES = 3
