import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectorProcess } from '../../test/support/connector-process.ts'
import { openTopic, type TopicRecord } from '../../test/support/topic-reader.ts'
import { type ConnectorStatus, followed, statusOf } from './connector.ts'
import { count, eventLine, logText, statusLines } from './lines.ts'
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
const PRINT_EVERY_MS = { scanning: 1000, caughtUp: 10_000 }

/** Prints what happens until `stop` aborts or the connector exits; resolves to which of the two. */
export async function show(parts: ShowParts, stop: AbortSignal): Promise<'stopped' | 'connector exited'> {
  const { connector, logFile, kafkaBrokers, clients } = parts
  const startedAt = Date.now()
  let events = 0
  let isCaughtUp = false
  const onRecords = (all: readonly TopicRecord[]) => {
    const records = all.filter(({ timestamp }) => timestamp >= startedAt) // the topic may hold older ones
    events += records.length
    if (isCaughtUp) for (const record of records) console.log(eventLine(record, Date.now()))
  }
  const ended = new AbortController()
  const following = follow(kafkaBrokers, onRecords, AbortSignal.any([stop, ended.signal]))
  const newLines = followed(connector, logFile)
  const sayLog = () => {
    for (const text of newLines().map(logText)) if (text !== undefined) console.log(text)
  }
  let printedAt = startedAt
  while (!stop.aborted && connector.isRunning()) {
    sayLog()
    const status = await orAborted(statusOf(connector), stop)
    if (!isCaughtUp && status?.progress === 'caught up' && isAllThere(status, events)) {
      isCaughtUp = true
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
      console.log(`caught up: ${count(events)} events read from ${topic} in ${seconds} s; new events follow.`)
      console.log(
        'Scans overlap, and look-backs read the last minutes again: unchanged clients are not published again.',
      )
    }
    if (Date.now() - printedAt > PRINT_EVERY_MS[isCaughtUp ? 'caughtUp' : 'scanning']) {
      printedAt = Date.now()
      for (const line of statusLines({ status, events, clients, isCaughtUp })) console.log(line)
    }
    await orAborted(delay(LOOK_EVERY_MS), stop)
  }
  sayLog()
  ended.abort()
  await following
  return stop.aborted ? 'stopped' : 'connector exited'
}

/** Reads the topic as soon as it exists. */
async function follow(
  brokers: string,
  onRecords: (records: readonly TopicRecord[]) => void,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const reader = await orAborted(openTopic(brokers, topic), stop)
    if (reader === undefined) await orAborted(delay(LOOK_EVERY_MS), stop)
    else while (!stop.aborted) onRecords(await reader.poll())
  }
}

/** Resolves to undefined when the work fails, or as soon as `stop` aborts. */
function orAborted<Result>(work: Promise<Result>, stop: AbortSignal): Promise<Result | undefined> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true })
    work.then(resolve, () => resolve(undefined))
  })
}

/** Whether every client read so far is published, suppressed or dead-lettered, and every event consumed here. */
function isAllThere({ totals }: ConnectorStatus, eventsRead: number): boolean {
  if (totals === undefined) return false
  const { clients, events, deadLetters, suppressed, superseded } = totals
  return clients === events + deadLetters + suppressed + superseded && eventsRead >= events
}
