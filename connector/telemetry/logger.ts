import pino from 'pino'
import { isSystemCode } from './error-fields.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** The fields of a log line: flat values, listed explicitly. Objects are never printed. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface LogLine {
  readonly level: LogLevel
  /** Constant text; variable parts are fields. */
  readonly message: string
  readonly fields: LogFields
}

/** Writes one line immediately. */
export type Log = (level: LogLevel, message: string, fields: LogFields) => void

export interface LoggerParts {
  readonly connector: string
  readonly replica: string
  readonly version: string
  readonly level: LogLevel | 'silent'
  /** The destination, usually stdout; each write is one line. */
  readonly out: { write(line: string): unknown }
}

/**
 * Returns a log that writes JSON lines through pino: `level`, `time` (ISO 8601), connector, replica, version, `msg` and
 * the given fields.
 */
export function logger(parts: LoggerParts): Log {
  const { connector, replica, version, level, out } = parts
  const lines = pino(
    {
      level,
      base: { connector, replica, version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void out.write(line) },
  )
  return (at, message, fields) => lines[at](flatFields(fields), message)
}

/** Returns the flat fields. Invariant 8: an object that bypassed the types is dropped, not printed. */
function flatFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isFlat(value)))
}

function isFlat(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** A log call of a library: `fields` may contain anything. */
export type LibraryLog = (message: string, fields: Readonly<Record<string, unknown>>) => void

const namespaceFormat = /^[A-Za-z]{1,30}(?:[- ][A-Z0-9-]{1,20})?$/

/**
 * Returns the log of a library. Invariant 8: a line has a constant message, the part of the library, and the system
 * error codes in its texts; nothing else.
 */
export function libraryLog(log: Log, library: string): LibraryLog {
  return (message, { namespace, error, errorMessage, code }) => {
    const codes = codesIn([message, error, errorMessage, code])
    if (codes.length === 0) return
    // Never above debug: libraries log errors that they recover from; the others reject, and the stream logs them.
    log('debug', 'library log', {
      library,
      namespace: typeof namespace === 'string' && namespaceFormat.test(namespace) ? namespace : undefined,
      codes,
    })
  }
}

function codesIn(texts: readonly unknown[]): string[] {
  const words = texts.flatMap((text) => (typeof text === 'string' ? text.split(/[^A-Z0-9_]+/) : []))
  return [...new Set(words.filter(isSystemCode))]
}
