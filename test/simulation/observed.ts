import type { PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../connector/runtime/error-catalogue.ts'
import { POLL_MS } from './simulated-poll.ts'
import { alerted } from './simulated-trouble.ts'
import type { World } from './world.ts'

/** Checks, by what one run of a stream reports, that live scans go first; collects the kinds of events. */
export function observed(world: World, stream: string, clock: Clock) {
  let liveDueAt = Number.POSITIVE_INFINITY
  /** Background pages read since a live scan was due. */
  let pages = 0
  /** The first history may be read before anything else. */
  let isFirst = true
  return (event: PipelineEvent): void => {
    world.eventKinds.add(kindOf(event))
    if (event.kind === 'pages-published') {
      isFirst = event.states.history.state === 'first'
      for (const [lane, { events, superseded }] of event.scans) {
        if (superseded > 0) world.eventKinds.add('superseded')
        if (events > 0) world.eventKinds.add(`${lane} events`)
      }
    }
    const alert = alertOf(event)
    if (alert !== undefined) alerted(world, stream, alert)
    if (event.kind === 'stream-state') world.held[event.state === 'held' ? 'add' : 'delete'](stream)
    if (event.kind === 'stream-claimed') liveDueAt = Number.POSITIVE_INFINITY
    if (event.kind === 'scan-started' && event.scan === 'live') {
      liveDueAt = clock.monotonic() + POLL_MS
      pages = 0
    }
    if (event.kind !== 'page-read') return
    if (event.scan === 'live') pages = 0
    else if (clock.monotonic() > liveDueAt) pages += 1
    const mayWait = isFirst && world.options.backfill === 'before'
    if (pages > MOST_PAGES && !mayWait)
      world.violations.push(`${stream}: a live scan waits for ${pages} background pages`)
  }
}

function kindOf(event: PipelineEvent): string {
  if (event.kind !== 'stream-state') return event.kind
  return event.failure?.kind ?? `${event.was} → ${event.state}`
}

/** The error of which an operator gets an alert. */
function alertOf(event: PipelineEvent): ErrorCode | undefined {
  const failure = event.kind === 'stream-state' ? event.failure : undefined
  return failure?.kind === 'hold' ? codeOf(failure.error) : undefined
}

/** The one that was in progress. */
const MOST_PAGES = 1
