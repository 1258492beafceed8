import { isSystemCode } from './error-fields.ts'
import type { Log } from './logger.ts'

/** A log call of a library: `fields` may contain anything. */
export type LibraryLog = (message: string, fields: Readonly<Record<string, unknown>>) => void

const namespaceFormat = /^[A-Za-z]{1,30}(?:[- ][A-Z0-9-]{1,20})?$/

/** Invariant 8: a constant message, the part of the library, and the system error codes in its texts; nothing else. */
export function libraryLog(log: Log, library: string): LibraryLog {
  return (message, { namespace, error, errorMessage, code }) => {
    const codes = codesIn([message, error, errorMessage, code])
    // Never above debug: libraries log errors that they recover from; the others reject, and the stream logs them.
    log('debug', 'library log', {
      library,
      ...(typeof namespace === 'string' && namespaceFormat.test(namespace) ? { namespace } : {}),
      ...(codes.length > 0 ? { codes } : {}),
    })
  }
}

function codesIn(texts: readonly unknown[]): string[] {
  const words = texts.flatMap((text) => (typeof text === 'string' ? text.split(/[^A-Z0-9_]+/) : []))
  return [...new Set(words.filter(isSystemCode))]
}
