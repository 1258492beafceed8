import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { toLogFields } from '../error-fields.ts'
import type { LogFields, LogLevel, LogLine } from '../logger.ts'
import type { Metrics } from '../metrics.ts'

/** The log line of one kind of event, and what it counts. */
export interface EventRow<Event> {
  /** Without it, or where it returns undefined, only metrics and endpoints report the event. */
  readonly log?: (event: Event) => LogLine | undefined
  /** The event reports a condition that persists: its line is logged at most once an hour. */
  readonly logged?: 'hourly'
  /** Counts the event in metrics other than that of the warnings. */
  readonly count?: (event: Event, metrics: Metrics) => void
  /** The event is counted among the warnings, by its kind. */
  readonly isWarning?: true
}

type Kinds = { readonly kind: string }
export type EventRows<Event extends Kinds> = {
  readonly [Kind in Event['kind']]: EventRow<Extract<Event, { kind: Kind }>>
}

export function rowOf<Event extends Kinds>(rows: EventRows<Event>, event: Event) {
  return rows[event.kind as Event['kind']] as unknown as EventRow<Event> // `rows[kind]` takes this kind
}

export function countFailure({ code }: { code: ErrorCode }, metrics: Metrics): void {
  metrics.count('failures', 1, { code })
}

/** A field is logged under its own name; `error` as its code, message, hint and causes. */
type Loggable<Event> = {
  [Name in keyof Event]: Name extends 'error' ? Name : Event[Name] extends LogFields[string] ? Name : never
}[keyof Event]

/** Returns a function that makes log lines of a level, with these fields of the event. */
const lineAt =
  (level: LogLevel) =>
  <Event>(message: string, ...names: readonly Loggable<Event>[]) =>
  (event: Event): LogLine =>
    logLine(level, message, pickedFields(event, names))

export const trace = lineAt('trace')
export const debug = lineAt('debug')
export const info = lineAt('info')
export const warn = lineAt('warn')

export function logLine(level: LogLevel, message: string, fields: LogFields = {}): LogLine {
  return { level, message, fields }
}

/** Returns these fields of an event as they are logged. */
export function pickedFields<Event>(event: Event, names: readonly Loggable<Event>[]): LogFields {
  const fields: Record<string, LogFields[string]> = {}
  for (const name of names) Object.assign(fields, fieldsOfValue(String(name), event[name]))
  return fields
}

function fieldsOfValue(name: string, value: unknown): LogFields {
  if (name === 'error') return toLogFields(value)
  if (name === 'lastChanged') return { lastChanged: `${value} server time` }
  return { [name]: name.endsWith('Ms') ? Math.round(Number(value)) : (value as LogFields[string]) }
}
