import { isSystemCode, kafkaType } from './error-fields.ts'
import type { Log, LogFields, LogLevel } from './logger.ts'

/** A log call of a library: `fields` may contain anything. */
export type LibraryLog = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void

/** The fields that are logged, each only if it matches its format. Invariant 8: no message, no payload, no stack. */
const formats: ReadonlyMap<string, RegExp> = new Map([
  ['namespace', /^[A-Za-z]{1,30}(?:[- ][A-Z0-9-]{1,20})?$/],
  ['broker', /^[A-Za-z0-9.-]{1,253}:\d{1,5}$/],
  ['type', kafkaType],
  ['groupId', /^[a-z0-9-]{1,120}(?:\.[a-z0-9-]{1,120})?$/],
])
const numbers: ReadonlySet<string> = new Set([
  'retryCount',
  'retryTime',
  'partition',
  'nodeId',
  'correlationId',
  'generationId',
  'size',
  'duration',
])

/** Logs a call of a library: a constant message, the allowed fields, and the system error codes found in its texts. */
export function libraryLog(log: Log, library: string): LibraryLog {
  return (level, message, fields) => {
    const codes = codesIn([message, fields.error, fields.errorMessage])
    // Never above debug: libraries log errors that they recover from; the others reject, and the stream logs them.
    log(level === 'trace' ? 'trace' : 'debug', 'library log', {
      library,
      ...allowed(fields),
      ...(codes.length > 0 ? { codes } : {}),
    })
  }
}

function allowed(fields: Readonly<Record<string, unknown>>): LogFields {
  const allowedEntries = Object.entries(fields).filter(([name, value]) => isAllowed(name, value))
  return Object.fromEntries(allowedEntries) as LogFields // only strings and numbers are allowed
}

function isAllowed(name: string, value: unknown): boolean {
  if (typeof value === 'number') return numbers.has(name) || (name === 'code' && Math.abs(value) < 1000)
  return (
    typeof value === 'string' && (isSystemCode(value) ? name === 'code' : (formats.get(name)?.test(value) ?? false))
  )
}

function codesIn(texts: readonly unknown[]): string[] {
  const words = texts.flatMap((text) => (typeof text === 'string' ? text.split(/[^A-Z0-9_]+/) : []))
  return [...new Set(words.filter(isSystemCode))]
}
