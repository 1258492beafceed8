import type { TopicRecord } from '../../test/support/topic-reader.ts'
import type { ConnectorStatus, ScanStatus } from './connector.ts'
import type { DemoPlan } from './plan.ts'

/** What the demo shows at one moment. */
export interface DemoState {
  /** Undefined until the connector answers. */
  readonly status: ConnectorStatus | undefined
  /** Events read from the topic in this run. */
  readonly events: number
  /** Average over the last seconds, measured at the topic. */
  readonly eventsPerSecond: number
  /** Number of clients in Polaris, if known. */
  readonly clients: number | undefined
  readonly isCaughtUp: boolean
  readonly checkpointUrl: string
}

const BAR = 40

/** The lines that stay at the bottom of the screen. */
export function statusLines(state: DemoState): string[] {
  const { status, clients, isCaughtUp, events } = state
  const long = status?.scans?.find(({ lane }) => lane === 'backfill' || lane === 'full')
  return [
    ...(long === undefined ? [] : [progressLine(long, clients)]),
    ...(long === undefined && !isCaughtUp ? [`catching up  ${count(events)} events so far`] : []),
    ...(status === undefined ? [] : [countLine(state)]),
    checkpointLine(state),
  ]
}

/** The progress of a backfill or full scan, by the number of clients. */
export function progressLine({ lane, clients, reached }: ScanStatus, of: number | undefined): string {
  const all = of === undefined ? undefined : Math.max(of, clients) // some were created since
  const percent = all === undefined || all === 0 ? undefined : Math.floor((clients / all) * 100)
  return [
    lane.padEnd(12),
    ...(percent === undefined ? [] : [`${bar(percent)} ${`${percent} %`.padStart(5)}  `]),
    `${count(clients)}${all === undefined ? '' : ` of ${count(all)}`} clients${reached === undefined ? '' : ` up to ${reached} server time`}`,
  ].join('')
}

function bar(percent: number): string {
  const full = Math.round((percent / 100) * BAR)
  return '█'.repeat(full) + '░'.repeat(BAR - full)
}

export function countLine({ status, events, eventsPerSecond }: DemoState): string {
  const { clients = 0, suppressed = 0, pages = 0, deadLetters = 0 } = status?.totals ?? {}
  const again = suppressed === 0 ? '' : ` (${count(suppressed)} read again, unchanged)`
  const dead = deadLetters === 0 ? '' : ` · dead letters ${count(deadLetters)}`
  const trouble = status === undefined || status.state === 'running' ? '' : ` · stream ${status.state}`
  return `clients ${count(clients)}${again} · events ${count(events)} · pages ${count(pages)} · ${eventsPerSecond.toFixed(1)} events/s${dead}${trouble}`
}

export function checkpointLine({ status, checkpointUrl }: DemoState): string {
  if (status?.seq === undefined) return `checkpoint   ${checkpointUrl}: nothing saved yet`
  const clients = status.indexClients === undefined ? '' : `, ${count(status.indexClients)} clients in the index`
  return `checkpoint   transaction ${status.seq} of epoch ${status.epoch ?? '?'}, live scans from ${status.lastChanged ?? '?'} server time${clients}`
}

/** One event as a consumer of the topic receives it. */
export function eventLine(record: TopicRecord, shows: DemoPlan['shows'], now: number): string {
  const event = eventOf(record)
  const since = (now - Date.parse(event.time ?? '')) / 1000
  const late = Number.isNaN(since)
    ? ''
    : since < 3600
      ? `${since.toFixed(1)} s after its change`
      : `changed ${event.time}`
  const where = `partition ${record.partition} offset ${record.offset}`
  const who = shows === 'names' ? nameOf(event.data ?? {}) : ''
  return [clockTime(now), `client ${record.key}`, late.padEnd(23), where.padEnd(24), who].join('  ').trimEnd()
}

type ShownEvent = { readonly time?: string | undefined; readonly data?: Record<string, unknown> }

/** The headers tell the mode. */
function eventOf({ headers, value }: TopicRecord): ShownEvent {
  const fields = (value ?? {}) as Record<string, unknown>
  return headers.ce_specversion === undefined ? fields : { time: headers.ce_time, data: fields }
}

/** To the second, in UTC. */
function clockTime(now: number): string {
  return new Date(now).toISOString().replace(/\.\d+/, '')
}

function nameOf(data: Record<string, unknown>): string {
  const { Prenom, Nom, Adresse, NoVersion } = data
  const { Ville = '' } = (Adresse ?? {}) as { Ville?: string }
  return `${Prenom ?? ''} ${Nom ?? ''}, ${Ville} (version ${NoVersion ?? '?'})`
}

export function count(number: number): string {
  return number.toLocaleString('en-GB').replaceAll(',', ' ')
}
