import { setTimeout as delay } from 'node:timers/promises'
import {
  openTopic,
  type TopicReader,
  type TopicReaderOptions,
  type TopicRecord,
} from '../../test/support/topic-reader.ts'
import type { Connector, ConnectorStatus, LogLine } from './connector.ts'
import { count, type DemoState, eventLine, statusLines } from './lines.ts'
import type { DemoPlan } from './plan.ts'
import type { Screen } from './screen.ts'

export interface ShowParts {
  readonly plan: DemoPlan
  readonly screen: Screen
  readonly connector: Connector
  readonly kafka: TopicReaderOptions['kafka']
  /** Reads the topic from its end; undefined when the topic did not exist before the connector started. */
  readonly reader: TopicReader | undefined
  /** Number of clients in Polaris, if known. */
  readonly clients: number | undefined
}

const DRAW_EVERY_MS = 100
const STATUS_EVERY_MS = 250
const PRINT_EVERY_MS = { scanning: 3000, caughtUp: 10_000 }
const RATE_OVER_MS = 5000

/** Shows what happens until `stop` aborts or the connector exits; resolves to which of the two. */
export async function show(parts: ShowParts, stop: AbortSignal): Promise<'stopped' | 'connector exited'> {
  const { screen, connector } = parts
  const view = demoView(parts)
  const ended = new AbortController()
  const over = AbortSignal.any([stop, ended.signal])
  const following = follow(parts, view.events, over)
  const polling = repeat(async () => view.status(await connector.status()), over)
  try {
    while (!stop.aborted && connector.isRunning()) {
      for (const line of connector.newLines()) view.log(line)
      view.draw()
      await orAborted(delay(DRAW_EVERY_MS), stop)
    }
    for (const line of connector.newLines()) view.log(line)
    return stop.aborted ? 'stopped' : 'connector exited'
  } finally {
    ended.abort()
    screen.status([], 'skip')
    await Promise.allSettled([following, polling])
  }
}

/** Reads the topic as soon as it exists. */
async function follow(
  parts: ShowParts,
  onRecords: (records: readonly TopicRecord[]) => void,
  stop: AbortSignal,
): Promise<void> {
  let reader = parts.reader
  try {
    while (!stop.aborted) {
      reader ??= await orAborted(openTopic({ kafka: parts.kafka, topic: parts.plan.topic, from: 'beginning' }), stop)
      if (reader === undefined) await orAborted(delay(STATUS_EVERY_MS), stop)
      else onRecords(await reader.poll())
    }
  } finally {
    await reader?.close()
  }
}

async function repeat(work: () => Promise<void>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await work()
    await orAborted(delay(STATUS_EVERY_MS), stop)
  }
}

/** Resolves to undefined when the work fails, or as soon as `stop` aborts. */
export function orAborted<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true })
    if (stop.aborted) resolve(undefined)
    work.then(resolve, () => resolve(undefined))
  })
}

/** Collects the state so far and draws it on the screen. */
function demoView({ plan, screen, clients }: ShowParts) {
  const startedAt = performance.now()
  const startTime = Date.now()
  const recent: { at: number; events: number }[] = []
  let state: DemoState = {
    ...{
      status: undefined,
      events: 0,
      eventsPerSecond: 0,
      clients,
      isCaughtUp: false,
      checkpointUrl: plan.checkpointUrl,
    },
  }
  let printedAt = performance.now()
  const endScan = () => {
    const { status, events } = state
    if (state.isCaughtUp || status?.progress !== 'caught up' || !isAllThere(status, events)) return
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    screen.say(`caught up: ${count(events)} events read from ${plan.topic} in ${seconds} s; new events follow.`)
    screen.say('Scans overlap, and look-backs read the last minutes again: unchanged clients are not published again.')
    state = { ...state, isCaughtUp: true }
  }
  return {
    log: (line: LogLine) => {
      const text = screenLine(line)
      if (text !== undefined) screen.say(text)
    },
    events: (all: readonly TopicRecord[]) => {
      const records = all.filter(({ timestamp }) => timestamp >= startTime) // the topic may hold older ones
      const now = performance.now()
      recent.push({ at: now, events: records.length })
      while ((recent[0]?.at ?? now) < now - RATE_OVER_MS) recent.shift()
      const seconds = Math.max(1, (now - Math.max(startedAt, now - RATE_OVER_MS)) / 1000)
      const eventsPerSecond = recent.reduce((sum, one) => sum + one.events, 0) / seconds
      state = { ...state, events: state.events + records.length, eventsPerSecond }
      if (state.isCaughtUp) for (const record of records) screen.row(eventLine(record, plan.shows, Date.now()))
      endScan()
    },
    status: (status: ConnectorStatus | undefined) => {
      if (status !== undefined) state = { ...state, status }
      endScan()
    },
    draw: () => {
      const everyMs = state.isCaughtUp ? PRINT_EVERY_MS.caughtUp : PRINT_EVERY_MS.scanning
      const isDue = performance.now() - printedAt > everyMs
      if (isDue) printedAt = performance.now()
      screen.status(statusLines(state), isDue ? 'print' : 'skip')
    },
  }
}

/** Whether every client read so far has been published, suppressed or dead-lettered, and every event consumed here. */
function isAllThere({ totals }: ConnectorStatus, eventsRead: number): boolean {
  if (totals === undefined) return false
  return (
    totals.clients === totals.events + totals.deadLetters + totals.suppressed + totals.superseded &&
    eventsRead >= totals.events
  )
}

/** A log line in words for the screen; undefined when the status already shows it. */
function screenLine(line: LogLine): string | undefined {
  const { backfill, seq, events } = line
  if (line.msg === 'new stream claimed')
    return 'checkpoint   none yet: live scans begin now, the backfill reads the history beside them'
  if (line.msg === 'stream claimed') {
    return `checkpoint   resuming after transaction ${seq} (${count(Number(events))} events published, backfill ${backfill})`
  }
  if (line.msg === 'connector started')
    return `Endpoints    http://127.0.0.1:${line.port}/ (status page), /readyz, /healthz, /metrics`
  if (line.msg === 'field detected') return `connector    detected ${line.setting}: ${line.field}`
  if (line.level === 'output') return `connector    ${line.msg}`
  if (!['warn', 'error', 'fatal'].includes(line.level)) return undefined
  const { error, hint } = line
  const cause = error === undefined ? '' : `: ${error}`
  return `connector    ${line.level}: ${line.msg}${cause}${hint === undefined ? '' : ` → ${hint}`}`
}
