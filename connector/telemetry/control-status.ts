import type { Explain, Failure } from './failure.ts'

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

export function controlReport({ readAt, lostAt, failure }: ControlStatus, explain: Explain) {
  return {
    ...(readAt === undefined ? {} : { readAt: new Date(readAt).toISOString() }),
    ...(lostAt === undefined ? {} : { lostAt: new Date(lostAt).toISOString() }),
    ...(failure && explain(failure)),
  }
}
