import type { TopicRecord } from '../../test/support/topic-reader.ts'
import type { ConnectorStatus } from './connector.ts'
import type { DemoPlan } from './plan.ts'

/** What the demo knows at one moment. */
export interface DemoState {
  /** Undefined until the connector tells. */
  readonly status: ConnectorStatus | undefined
  /** Read from the topic in this run. */
  readonly events: number
  /** Over the last seconds, as read from the topic. */
  readonly eventsPerSecond: number
  /** How many clients the first drain will bring, where that is known; undefined after it. */
  readonly drain: { readonly of: number | undefined } | undefined
  readonly checkpointUrl: string
}

const BAR = 40

/** The lines that stay at the bottom of the screen. */
export function statusLines(state: DemoState): string[] {
  const { status, drain, events } = state
  return [
    ...(drain === undefined ? [] : [progressLine(events, drain.of)]),
    ...(status === undefined ? [] : [countLine(state)]),
    checkpointLine(state),
  ]
}

export function progressLine(events: number, of: number | undefined): string {
  if (of === undefined || of === 0) return `catching up  ${count(events)} events until now`
  const share = Math.min(1, events / of)
  const full = Math.round(share * BAR)
  const percent = `${Math.floor(share * 100)} %`.padStart(5)
  return `first drain  ${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${percent}  ${count(events)} of ${count(of)} clients`
}

export function countLine({ status, events, eventsPerSecond }: DemoState): string {
  const { clients = 0, suppressed = 0, pages = 0, deadLetters = 0 } = status?.totals ?? {}
  const again = suppressed === 0 ? '' : ` (${count(suppressed)} read again unchanged)`
  const dead = deadLetters === 0 ? '' : ` · dead letters ${count(deadLetters)}`
  const trouble = status === undefined || status.state === 'running' ? '' : ` · stream ${status.state}`
  return `clients ${count(clients)}${again} · events ${count(events)} · pages ${count(pages)} · ${eventsPerSecond.toFixed(1)} events/s${dead}${trouble}`
}

export function checkpointLine({ status, checkpointUrl }: DemoState): string {
  if (status?.seq === undefined) return `checkpoint   ${checkpointUrl}: not read yet`
  const age = status.checkpointAgeSeconds === undefined ? '' : `, ${status.checkpointAgeSeconds.toFixed(0)} s old`
  return `checkpoint   transaction ${status.seq} of epoch ${status.epoch ?? '?'}, lastChanged ${status.lastChanged ?? '?'}${age}`
}

/** One event as a reader of the topic gets it. */
export function eventLine(record: TopicRecord, shows: DemoPlan['shows'], now: number): string {
  const event = (record.value ?? {}) as { time?: string; data?: Record<string, unknown> }
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

function clockTime(now: number): string {
  return new Date(now).toTimeString().slice(0, 8)
}

function nameOf(data: Record<string, unknown>): string {
  const { Prenom, Nom, Adresse, NoVersion } = data
  const { Ville = '' } = (Adresse ?? {}) as { Ville?: string }
  return `${Prenom ?? ''} ${Nom ?? ''}, ${Ville} (version ${NoVersion ?? '?'})`
}

export function count(number: number): string {
  return number.toLocaleString('en-GB').replaceAll(',', ' ')
}
