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
  /** The topic at its end, when it was there before the connector. */
  readonly reader: TopicReader | undefined
  /** How many clients a first drain brings, where that is known. */
  readonly clients: number | undefined
}

const DRAW_EVERY_MS = 100
const STATUS_EVERY_MS = 250
const NEWS_EVERY_MS = 10_000
const RATE_OVER_MS = 5000

/** Shows what happens until `stop`, or until the connector ends by itself: resolves to which. */
export async function show(parts: ShowParts, stop: AbortSignal): Promise<'stopped' | 'connector ended'> {
  const { screen, connector } = parts
  const view = demoView(parts)
  const ended = new AbortController()
  const over = AbortSignal.any([stop, ended.signal])
  const following = follow(parts, view.events, over)
  const asking = everySoOften(async () => view.status(await connector.status()), over)
  try {
    while (!stop.aborted && connector.isRunning()) {
      for (const line of connector.newLines()) view.log(line)
      view.draw()
      await orAborted(delay(DRAW_EVERY_MS), stop)
    }
    for (const line of connector.newLines()) view.log(line)
    return stop.aborted ? 'stopped' : 'connector ended'
  } finally {
    ended.abort()
    screen.status([], 'no news')
    await Promise.allSettled([following, asking])
  }
}

/** Reads the topic, from when it is there. */
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

async function everySoOften(work: () => Promise<void>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await work()
    await orAborted(delay(STATUS_EVERY_MS), stop)
  }
}

/** Undefined when it fails, or as soon as `stop` aborts. */
export function orAborted<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true })
    if (stop.aborted) resolve(undefined)
    work.then(resolve, () => resolve(undefined))
  })
}

/** What was seen so far, and how it gets onto the screen. */
function demoView({ plan, screen, clients }: ShowParts) {
  const startedAt = performance.now()
  const recent: { at: number; events: number }[] = []
  let state: DemoState = {
    ...{
      status: undefined,
      events: 0,
      eventsPerSecond: 0,
      drain: { of: undefined },
      checkpointUrl: plan.checkpointUrl,
    },
  }
  let newsAt = 0
  const endDrain = () => {
    const { status, events } = state
    if (state.drain === undefined || status?.drain !== 'caught up' || !isAllThere(status, events)) return
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    screen.say(`caught up: ${count(events)} events read from ${plan.topic} after ${seconds} s; from now on each one:`)
    state = { ...state, drain: undefined }
  }
  return {
    log: (line: LogLine) => {
      const told = toldBy(line)
      if (line.msg === 'new stream claimed') state = { ...state, drain: { of: clients } }
      if (told !== undefined) screen.say(told)
    },
    events: (records: readonly TopicRecord[]) => {
      const now = performance.now()
      recent.push({ at: now, events: records.length })
      while ((recent[0]?.at ?? now) < now - RATE_OVER_MS) recent.shift()
      const seconds = Math.max(1, (now - Math.max(startedAt, now - RATE_OVER_MS)) / 1000)
      const eventsPerSecond = recent.reduce((sum, one) => sum + one.events, 0) / seconds
      state = { ...state, events: state.events + records.length, eventsPerSecond }
      if (state.drain === undefined) for (const record of records) screen.row(eventLine(record, plan.shows, Date.now()))
      endDrain()
    },
    status: (status: ConnectorStatus | undefined) => {
      if (status !== undefined) state = { ...state, status }
      endDrain()
    },
    draw: () => {
      const every = state.drain === undefined ? NEWS_EVERY_MS : 1000
      const isNews = performance.now() - newsAt > every
      if (isNews) newsAt = performance.now()
      screen.status(statusLines(state), isNews ? 'news' : 'no news')
    },
  }
}

/** Whether nothing is on its way between the source and the reader of the topic. */
function isAllThere({ totals }: ConnectorStatus, eventsRead: number): boolean {
  if (totals === undefined) return false
  return totals.clients === totals.events + totals.deadLetters + totals.suppressed && eventsRead >= totals.events
}

const KNOWN = new Set(['level', 'time', 'connector', 'replica', 'version', 'stream', 'msg', 'stack'])

/** What a log line says to whoever watches; undefined for what the status shows anyway. */
function toldBy(line: LogLine): string | undefined {
  const { lastChanged, seq, events } = line
  if (line.msg === 'new stream claimed') return `checkpoint   none yet: the stream begins at lastChanged ${lastChanged}`
  if (line.msg === 'stream claimed') {
    return `checkpoint   resuming after transaction ${seq} (${count(Number(events))} events until then), from lastChanged ${lastChanged}`
  }
  if (line.msg === 'field detected') return `connector    found ${line.setting}: ${line.field}`
  if (line.level === 'output') return `connector    ${line.msg}`
  if (!['warn', 'error', 'fatal'].includes(line.level)) return undefined
  const details = Object.entries(line).flatMap(([name, value]) => (KNOWN.has(name) ? [] : [`${name}=${value}`]))
  return `connector    ${line.level}: ${line.msg}${details.length === 0 ? '' : ` (${details.join(' ')})`}`
}
