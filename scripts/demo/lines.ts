import type { LogLine } from '../../test/support/connector-process.ts'
import type { TopicRecord } from '../../test/support/topic-reader.ts'
import type { ConnectorStatus } from './connector.ts'

/** What the demo shows at one moment. */
interface DemoState {
  /** Undefined until the connector answers. */
  readonly status: ConnectorStatus | undefined
  /** Events read from the topic in this run. */
  readonly events: number
  /** Number of clients in Polaris. */
  readonly clients: number
  readonly isCaughtUp: boolean
}

const BAR = 40

/** How far the stream is. */
export function statusLines({ status, clients, events, isCaughtUp }: DemoState): string[] {
  const history = status?.scans?.find(({ lane }) => lane === 'history')
  return [
    ...(history === undefined ? [] : [progressLine(history.clients, clients)]),
    ...(history === undefined && !isCaughtUp ? [`catching up  ${count(events)} events so far`] : []),
    ...(status === undefined ? [] : [countLine(status, events), checkpointLine(status)]),
  ]
}

function progressLine(clients: number, of: number): string {
  const all = Math.max(of, clients) // some were created since
  const percent = all === 0 ? 0 : Math.floor((clients / all) * 100)
  const full = Math.round((percent / 100) * BAR)
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full)
  return `history     ${bar} ${percent.toString().padStart(3)} %  ${count(clients)} of ${count(all)} clients`
}

function countLine({ totals, state }: ConnectorStatus, events: number): string {
  const { clients = 0, suppressed = 0, pages = 0 } = totals ?? {}
  const again = suppressed === 0 ? '' : ` (${count(suppressed)} read again, unchanged)`
  const trouble = state === 'running' ? '' : ` · stream ${state}`
  return `clients ${count(clients)}${again} · events ${count(events)} · pages ${count(pages)}${trouble}`
}

function checkpointLine({ seq, epoch, lastChanged, indexClients = 0 }: ConnectorStatus): string {
  if (seq === undefined) return 'checkpoint   nothing saved yet'
  return `checkpoint   transaction ${seq} of epoch ${epoch ?? '?'}, live scans from ${lastChanged ?? '?'} server time, ${count(indexClients)} clients in the index`
}

/** One event as a consumer of the topic receives it. */
export function eventLine({ key, partition, offset, value }: TopicRecord, now: number): string {
  const { time = '', data = {} } = (value ?? {}) as { time?: string; data?: Record<string, unknown> }
  const late = `${((now - Date.parse(time)) / 1000).toFixed(1)} s after its change`
  const { Prenom, Nom, NoVersion } = data
  const at = new Date(now).toISOString().replace(/\.\d+/, '') // to the second, in UTC
  const where = `partition ${partition} offset ${offset}`
  return `${at}  client ${key}  ${late.padEnd(23)}  ${where.padEnd(24)}  ${Prenom} ${Nom} (version ${NoVersion})`
}

/** A log line in words; undefined if the lines above say the same. */
export function logText({ msg, level, port, seq, nextEvent, error, hint }: LogLine): string | undefined {
  if (msg === 'new stream claimed')
    return 'checkpoint   none yet: live scans begin now, the history is read beside them'
  if (msg === 'stream claimed')
    return `checkpoint   resuming after transaction ${seq}, with event number ${count(Number(nextEvent))}`
  if (msg === 'connector started')
    return `Endpoints    http://127.0.0.1:${port}/ (status page), /readyz, /healthz, /metrics`
  if (!['warn', 'error', 'fatal'].includes(level)) return undefined
  return `connector    ${level}: ${[msg, error].filter((one) => one !== undefined).join(': ')}${hint === undefined ? '' : ` → ${hint}`}`
}

export function count(number: number): string {
  return number.toLocaleString('en-GB').replaceAll(',', ' ')
}
