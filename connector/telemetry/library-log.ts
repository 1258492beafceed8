import { isSystemCode, kafkaType } from './foreign-error.ts'
import type { Log, LogFields, LogLevel } from './log.ts'

/** What a library tells through its logger: `fields` may hold anything. */
export type LibraryLog = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void

/** The fields that may pass, each only in its own form. Invariant 8: no message, no payload, no stack. */
const forms: ReadonlyMap<string, RegExp> = new Map([
  ['namespace', /^[A-Za-z]{1,30}(?:[- ][A-Z0-9-]{1,20})?$/],
  ['broker', /^[A-Za-z0-9.-]{1,253}:\d{1,5}$/],
  ['type', kafkaType],
  ['groupId', /^[a-z0-9-]{1,120}(?:\.[a-z0-9-]{1,120})?$/],
])
const figures: ReadonlySet<string> = new Set([
  'retryCount',
  'retryTime',
  'partition',
  'nodeId',
  'correlationId',
  'generationId',
  'size',
  'duration',
])

/** Writes what a library logs: a constant message, the fields that may pass, and the system's codes found in its texts. */
export function libraryLog(log: Log, library: string): LibraryLog {
  return (level, message, fields) => {
    const codes = codesIn([message, fields.error, fields.errorMessage])
    // Whatever matters comes back as an error and is told by the stream; libraries also call errors what they then get over.
    log(level === 'trace' ? 'trace' : 'debug', 'from a library', {
      library,
      ...allowed(fields),
      ...(codes.length > 0 ? { codes } : {}),
    })
  }
}

function allowed(fields: Readonly<Record<string, unknown>>): LogFields {
  const passing = Object.entries(fields).filter(([name, value]) => mayPass(name, value))
  return Object.fromEntries(passing) as LogFields // only strings and numbers pass
}

function mayPass(name: string, value: unknown): boolean {
  if (typeof value === 'number') return figures.has(name) || (name === 'code' && Math.abs(value) < 1000)
  return typeof value === 'string' && (isSystemCode(value) ? name === 'code' : (forms.get(name)?.test(value) ?? false))
}

function codesIn(texts: readonly unknown[]): string[] {
  const words = texts.flatMap((text) => (typeof text === 'string' ? text.split(/[^A-Z0-9_]+/) : []))
  return [...new Set(words.filter(isSystemCode))]
}
