import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaConfig } from 'kafkajs'
import { openTopic, type TopicReader, type TopicReaderOptions } from '../../test/support/topic-reader.ts'
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

const STATUS_EVERY_MS = 250
const NEWS_EVERY_MS = 10_000
const RATE_OVER_MS = 5000

/** Shows what happens until `stop`, or until the connector ends by itself: resolves to which. */
export async function show(parts: ShowParts, stop: AbortSignal): Promise<'stopped' | 'connector ended'> {
  const { screen, connector, plan } = parts
  const view = demoView(parts)
  let reader = parts.reader
  let isAsking = false
  let askedAt = 0
  try {
    while (!stop.aborted) {
      for (const line of connector.newLines()) view.log(line)
      if (!connector.isRunning()) return 'connector ended'
      reader ??= await openTopic({ kafka: parts.kafka, topic: plan.topic, from: 'beginning' }).catch(() => undefined)
      if (reader === undefined) await delay(STATUS_EVERY_MS)
      view.events((await reader?.poll()) ?? [])
      if (!isAsking && performance.now() - askedAt > STATUS_EVERY_MS) {
        isAsking = true
        askedAt = performance.now()
        void connector.status().then((status) => {
          view.status(status)
          isAsking = false
        })
      }
      view.draw()
    }
    return 'stopped'
  } finally {
    screen.status([], 'no news')
    await reader?.close()
  }
}

export type KafkaAccess = Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'>

/** What was seen so far, and how it gets onto the screen. */
function demoView({ plan, screen, clients }: ShowParts) {
  const startedAt = performance.now()
  const recent: { at: number; events: number }[] = []
  let state: DemoState = {
    ...{ status: undefined, events: 0, eventsPerSecond: 0, drain: { of: clients }, checkpointUrl: plan.checkpointUrl },
  }
  let newsAt = 0
  const endDrain = () => {
    const { status, events } = state
    if (state.drain === undefined || status?.drain !== 'caught up' || events < (status.totals?.events ?? 0)) return
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    screen.say(`caught up: ${count(events)} events read from ${plan.topic} after ${seconds} s; from now on each one:`)
    state = { ...state, drain: undefined }
  }
  return {
    log: (line: LogLine) => {
      const told = toldBy(line)
      if (line.msg === 'stream claimed') state = { ...state, drain: { of: undefined } }
      if (told !== undefined) screen.say(told)
    },
    events: (records: Awaited<ReturnType<TopicReader['poll']>>) => {
      const now = performance.now()
      recent.push({ at: now, events: records.length })
      while ((recent[0]?.at ?? now) < now - RATE_OVER_MS) recent.shift()
      const seconds = Math.max(1, (now - Math.max(startedAt, now - RATE_OVER_MS)) / 1000)
      const eventsPerSecond = recent.reduce((sum, one) => sum + one.events, 0) / seconds
      state = { ...state, events: state.events + records.length, eventsPerSecond }
      if (state.drain === undefined) for (const record of records) screen.say(eventLine(record, plan.shows, Date.now()))
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

/** What a log line says to whoever watches; undefined for what the status shows anyway. */
function toldBy(line: LogLine): string | undefined {
  const { lastChanged, seq, events } = line
  if (line.msg === 'new stream claimed') return `checkpoint   none yet: the stream begins at lastChanged ${lastChanged}`
  if (line.msg === 'stream claimed') {
    return `checkpoint   resuming after transaction ${seq} (${count(Number(events))} events until then), from lastChanged ${lastChanged}`
  }
  if (line.level === 'output') return `connector    ${line.msg}`
  if (!['warn', 'error', 'fatal'].includes(line.level)) return undefined
  const details = ['code', 'hint', 'error', 'message'].flatMap((name) =>
    typeof line[name] === 'string' ? [line[name]] : [],
  )
  return `connector    ${line.level}: ${line.msg}${details.length === 0 ? '' : ` (${details.join('; ')})`}`
}
