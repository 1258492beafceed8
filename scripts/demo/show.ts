import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectorProcess } from '../../test/support/connector-process.ts'
import { openTopic, type TopicRecord } from '../../test/support/topic-reader.ts'
import { type ConnectorStatus, followed, statusOf } from './connector.ts'
import { count, type DemoState, eventLine, logText, statusLines } from './lines.ts'
import { topic } from './parts.ts'

export interface ShowParts {
  readonly connector: ConnectorProcess
  /** Gets the log of the connector. */
  readonly logFile: string
  readonly kafkaBrokers: string
  /** Number of clients in Polaris. */
  readonly clients: number
}

const LOOK_EVERY_MS = 200
const PRINT_EVERY_MS = { scanning: 3000, caughtUp: 10_000 }

/** Shows what happens until `stop` aborts or the connector exits; resolves to which of the two. */
export async function show(parts: ShowParts, stop: AbortSignal): Promise<'stopped' | 'connector exited'> {
  const { connector, logFile } = parts
  const view = demoView(parts)
  const ended = new AbortController()
  const following = follow(parts.kafkaBrokers, view.events, AbortSignal.any([stop, ended.signal]))
  const newLines = followed(connector, logFile)
  const sayLog = () => {
    for (const text of newLines().map(logText)) if (text !== undefined) console.log(text)
  }
  try {
    while (!stop.aborted && connector.isRunning()) {
      sayLog()
      view.show(await orAborted(statusOf(connector), stop))
      await orAborted(delay(LOOK_EVERY_MS), stop)
    }
    sayLog()
    return stop.aborted ? 'stopped' : 'connector exited'
  } finally {
    ended.abort()
    await following
  }
}

/** Reads the topic as soon as it exists. */
async function follow(
  brokers: string,
  onRecords: (records: readonly TopicRecord[]) => void,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const reader = await orAborted(openTopic({ kafka: { brokers: [brokers] }, topic, from: 'beginning' }), stop)
    if (reader === undefined) await orAborted(delay(LOOK_EVERY_MS), stop)
    else {
      while (!stop.aborted) onRecords(await reader.poll())
      await reader.close()
    }
  }
}

/** Resolves to undefined when the work fails, or as soon as `stop` aborts. */
function orAborted<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true })
    work.then(resolve, () => resolve(undefined))
  })
}

/** Holds the state so far, and prints it now and then. */
function demoView({ clients }: ShowParts) {
  const startedAt = performance.now()
  const startTime = Date.now()
  let state: DemoState = { status: undefined, events: 0, clients, isCaughtUp: false }
  let printedAt = startedAt
  const sayCaughtUp = () => {
    const { status, events } = state
    if (state.isCaughtUp || status?.progress !== 'caught up' || !isAllThere(status, events)) return
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`caught up: ${count(events)} events read from ${topic} in ${seconds} s; new events follow.`)
    console.log('Scans overlap, and look-backs read the last minutes again: unchanged clients are not published again.')
    state = { ...state, isCaughtUp: true }
  }
  return {
    events: (all: readonly TopicRecord[]) => {
      const records = all.filter(({ timestamp }) => timestamp >= startTime) // the topic may hold older ones
      state = { ...state, events: state.events + records.length }
      if (state.isCaughtUp) for (const record of records) console.log(eventLine(record, Date.now()))
    },
    show: (status: ConnectorStatus | undefined) => {
      if (status !== undefined) state = { ...state, status }
      sayCaughtUp()
      const everyMs = state.isCaughtUp ? PRINT_EVERY_MS.caughtUp : PRINT_EVERY_MS.scanning
      if (performance.now() - printedAt <= everyMs) return
      printedAt = performance.now()
      for (const line of statusLines(state)) console.log(line)
    },
  }
}

/** Whether every client read so far is published, suppressed or dead-lettered, and every event consumed here. */
function isAllThere({ totals }: ConnectorStatus, eventsRead: number): boolean {
  if (totals === undefined) return false
  const { clients, events, deadLetters, suppressed, superseded } = totals
  return clients === events + deadLetters + suppressed + superseded && eventsRead >= events
}
