import { type Clock, systemClock } from '../../connector/runtime/clock.ts'
import type { LoggerParts } from '../../connector/telemetry/logger.ts'
import { createTelemetry } from '../../connector/telemetry/telemetry.ts'

interface Watched {
  readonly level?: LoggerParts['level']
  readonly clock?: Clock
}

/** The telemetry of a replica of a group, and the lines that it has logged. */
export function testTelemetry({ level = 'silent', clock = systemClock }: Watched = {}) {
  const lines: string[] = []
  const telemetry = createTelemetry({
    connector: 'shops',
    replica: 'r-1',
    version: '1.2.3',
    level,
    clock,
    placement: 'group',
    readyAfterMs: 300_000,
    out: { write: (line) => lines.push(line) },
  })
  return { ...telemetry, lines }
}
