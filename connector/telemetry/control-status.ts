import type { ControlEvent } from '../control/control-watch.ts'
import { type ByKind, byKind } from './by-kind.ts'
import { toLogFields } from './error-fields.ts'
import { type Explain, type Failure, failureOf } from './failure.ts'
import type { LogLine } from './logger.ts'

/** Whether this replica can read the control object. */
export interface ControlStatus {
  /** When it was last read, in milliseconds since 1970; undefined: not yet. */
  readonly readAt: number | undefined
  /** When it was last found to be deleted or rolled back, likewise. */
  readonly lostAt: number | undefined
  /** Why it could not be read or written since. */
  readonly failure: Failure | undefined
}

export const controlUnread: ControlStatus = { readAt: undefined, lostAt: undefined, failure: undefined }

/** The status after `event`, which occurred at `now` (milliseconds since 1970). */
export function controlStatus(before: ControlStatus, event: ControlEvent, now: number): ControlStatus {
  switch (event.kind) {
    case 'control-read':
      return { ...before, readAt: now, failure: undefined }
    case 'control-failed':
      return { ...before, failure: failureOf(event.code, event.error) }
    case 'control-lost':
      return { ...before, lostAt: now }
    case 'control-recovered':
      return before
  }
}

const lines: ByKind<LogLine | undefined, ControlEvent> = {
  'control-read': () => undefined,
  'control-failed': ({ error }) => ({
    level: 'warn',
    message: 'control object cannot be read or written, retrying',
    fields: toLogFields(error),
  }),
  'control-lost': ({ error }) => ({
    level: 'error',
    message: 'control object was deleted or rolled back, written back',
    fields: toLogFields(error),
  }),
  'control-recovered': () => ({ level: 'info', message: 'control object can be read again', fields: {} }),
}

export function controlLine(event: ControlEvent): LogLine | undefined {
  return byKind(lines, event)
}

export function controlReport({ readAt, lostAt, failure }: ControlStatus, explain: Explain) {
  return {
    ...(readAt === undefined ? {} : { readAt: new Date(readAt).toISOString() }),
    ...(lostAt === undefined ? {} : { lostAt: new Date(lostAt).toISOString() }),
    ...(failure && explain(failure)),
  }
}
