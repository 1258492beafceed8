import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'

/** Suspect responses in a row: see `verdict-table.ts`. */
interface SuspectAnswers {
  add(): void
  /** Whether they have lasted so long that the server is no longer taken for one in trouble. */
  haveLasted(): boolean
  /** Any other response ends the row. */
  end(): void
  /** The error with which the row ends: it also says how many there were, and since when. */
  summary(error: unknown): unknown
}

export function suspectAnswers(clock: Clock, suspectForMs: number): SuspectAnswers {
  let count = 0
  /** Of the first: by the monotonic clock, and by the wall clock. */
  let [since, sinceTime] = [0, 0]
  return {
    add: () => {
      if (count === 0) [since, sinceTime] = [clock.monotonic(), clock.now()]
      count += 1
    },
    haveLasted: () => count > 0 && clock.monotonic() - since >= suspectForMs,
    end: () => {
      count = 0
    },
    summary: (error) => {
      if (count < 2 || !(error instanceof ConnectorError)) return error
      const started = new Date(sinceTime).toISOString()
      return new ConnectorError(
        error.code,
        `${error.message}; ${count} such responses in a row since ${started}, after pages had been read`,
        { cause: error.cause, retryAfterMs: error.retryAfterMs },
      )
    },
  }
}
