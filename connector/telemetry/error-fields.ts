import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { foreignError, property } from './foreign-error.ts'
import type { LogFields } from './log.ts'
import { stackFrames } from './stack-frames.ts'

const mostCauses = 10

/**
 * What a log line says of an error: code, our own message, the catalogue's hint, for each cause its kind and codes, and where a bug
 * happened. Invariant 8: of an error that is not ours, no message and no property but those passes.
 */
export function toLogFields(error: unknown): LogFields {
  const code = codeOf(error)
  const causes = causesOf(error)
  return {
    code,
    error: describe(error),
    hint: errorCatalogue[code].hint,
    ...(causes.length > 0 ? { causes: causes.map(describe) } : {}),
    ...(code === 'bug' ? { stack: stackFrames(causes.findLast((cause) => cause instanceof Error) ?? error) } : {}),
  }
}

function describe(error: unknown): string {
  return error instanceof ConnectorError ? `${error.code}: ${error.message}` : foreignError(error)
}

/** Everything that an error says led to it, nearest first, each once: causes, the parts of an AggregateError, what was suppressed. */
function causesOf(error: unknown): unknown[] {
  const found = new Set<unknown>([error])
  for (const one of found) {
    if (found.size > mostCauses) break
    for (const cause of nearest(one)) found.add(cause)
  }
  found.delete(error)
  return [...found].slice(0, mostCauses)
}

function nearest(error: unknown): unknown[] {
  const errors = property(error, 'errors')
  const parts = Array.isArray(errors) ? errors.slice(0, mostCauses) : []
  const led = [property(error, 'cause'), ...parts, property(error, 'error'), property(error, 'suppressed')]
  return led.filter((cause) => cause instanceof Error)
}
