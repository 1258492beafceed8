import type { PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'
import type { Clock } from '../../connector/runtime/clock.ts'
import { codeOf } from '../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../connector/runtime/error-catalogue.ts'
import { POLL_MS } from './simulated-poll.ts'
import { alerted } from './simulated-trouble.ts'
import type { World } from './world.ts'

/**
 * Checks, by what one run of a stream reports, that live scans go first, and that a failure that comes back within five
 * minutes is not said to be over; collects the kinds of events.
 */
export function observed(world: World, stream: string, clock: Clock) {
  let liveDueAt = Number.POSITIVE_INFINITY
  /** Background pages read since a live scan was due. */
  let pages = 0
  /** The first history may be read before anything else. */
  let isFirst = true
  const failures = failureCheck(clock, (violation) => world.violations.push(`${stream}: ${violation}`))
  return (event: PipelineEvent): void => {
    world.eventKinds.add(kindOf(event))
    if (event.kind === 'stream-state') failures(event)
    if (event.kind === 'pages-published') {
      isFirst = event.scans.history.state === 'first'
      for (const [lane, { events, superseded }] of event.countsByLane) {
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
    // The first page of a live scan that has failed for a minute, or a scan that leads nowhere, waits for 15 seconds.
    const isPutOff = event.kind === 'scan-stuck' || (event.kind === 'read-retried' && event.tried === 'in-turn')
    if (isPutOff && event.scan === 'live') {
      liveDueAt = clock.monotonic() + LIVE_AGAIN_MS
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

const CALM_MS = 300_000

/**
 * Of the same code: a failure, an end of it, a second failure within five minutes of the first one, and a second end within
 * five minutes of that are a violation.
 */
function failureCheck(clock: Clock, violated: (what: string) => void) {
  /** Of each code: its last failure, and whether it came back within five minutes after it was over. */
  const known = new Map<ErrorCode, { at: number; isOver: boolean; isBack: boolean }>()
  return ({ state, previousState, failure }: Extract<PipelineEvent, { kind: 'stream-state' }>): void => {
    const now = clock.monotonic()
    if (state === 'waiting') known.clear() // its failures are counted for as long as it is assigned here
    if (failure !== undefined && failure.kind !== 'fenced') {
      const code = codeOf(failure.error)
      const before = known.get(code)
      const isRecent = before !== undefined && now - before.at < CALM_MS
      known.set(code, { at: now, isOver: false, isBack: isRecent && (before.isOver || before.isBack) })
    }
    if (state !== 'running' || (previousState !== 'held' && previousState !== 'retrying')) return
    for (const [code, one] of known) {
      if (one.isBack && now - one.at < CALM_MS) violated(`${code} is said to be over, though it came back`)
      one.isOver = true
    }
  }
}

function kindOf(event: PipelineEvent): string {
  if (event.kind !== 'stream-state') return event.kind
  return event.failure?.kind ?? `${event.previousState} → ${event.state}`
}

/** The error of which an operator gets an alert. */
function alertOf(event: PipelineEvent): ErrorCode | undefined {
  const failure = event.kind === 'stream-state' ? event.failure : undefined
  return failure?.kind === 'hold' ? codeOf(failure.error) : undefined
}

const LIVE_AGAIN_MS = 15_000
/** The one that was in progress. */
const MOST_PAGES = 1
