import pino from 'pino'
import type { Log, LogFields } from './log.ts'

export interface LoggerParts {
  readonly connector: string
  readonly replica: string
  readonly version: string
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Where the lines go, usually stdout; each write is one line. */
  readonly out: { write(line: string): unknown }
}

/** JSON lines through pino: `level`, `time` (ISO 8601), connector, replica, version, `msg` and the fields of the line, nothing else. */
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
  return (at, message, fields) => lines[at](onlyFlat(fields), message)
}

/** Invariant 8: an object that got here past the types is dropped, not printed. */
function onlyFlat(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isFlat(value)))
}

function isFlat(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
