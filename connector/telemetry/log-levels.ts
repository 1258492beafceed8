import type { LogLevels } from '../control/stream-reports.ts'
import type { Clock } from '../runtime/clock.ts'
import { line } from './events/event-row.ts'
import type { Log, LoggerParts, LogLine } from './logger.ts'

/** A log whose level operators may change for a stream, for a while. */
export interface LeveledLog {
  readonly log: Log
  /** What operators request now. Returns lines about what has changed. */
  requested(levels: LogLevels): readonly LogLine[]
}

const order: readonly LoggerParts['level'][] = ['trace', 'debug', 'info', 'warn', 'error', 'silent']

/** `level`: the configured one, for everything else. */
export function leveledLog(
  write: Log,
  { level, clock }: { readonly level: LoggerParts['level']; readonly clock: Pick<Clock, 'now'> },
): LeveledLog {
  let inForce: LogLevels = new Map()
  const levelOf = (stream: unknown) => {
    const found = typeof stream === 'string' ? inForce.get(stream) : undefined
    return found !== undefined && clock.now() < found.until ? found.level : level
  }
  return {
    log: (at, message, fields) => {
      if (order.indexOf(at) >= order.indexOf(levelOf(fields.stream))) write(at, message, fields)
    },
    requested: (levels) => {
      const before = inForce
      inForce = new Map([...levels].filter(([, { until }]) => clock.now() < until))
      const begun = [...inForce].filter(([stream, { until }]) => before.get(stream)?.until !== until)
      const ended = [...before.keys()].filter((stream) => !inForce.has(stream))
      return [
        ...begun.map(([stream, { until, ...now }]) =>
          line('info', 'log level of the stream changed', { stream, ...now, until: new Date(until).toISOString() }),
        ),
        ...ended.map((stream) => line('info', 'log level of the stream is as configured again', { stream, level })),
      ]
    },
  }
}
