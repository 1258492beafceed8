import pino from 'pino'

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

function isFlat(value: unknown) {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
