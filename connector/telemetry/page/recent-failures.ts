import type { Clock } from '../../runtime/clock.ts'
import { type ExplainedFailure, explained, type Failure } from '../failure.ts'

/** The last failure with a code, of a stream or, without one, of the group membership. */
interface FailureReport extends ExplainedFailure {
  readonly stream?: string
  readonly at: string
  readonly times: number
}

/** Keeps the last failures of this replica in memory, one for each stream and code. */
export interface RecentFailures {
  note(failure: Failure | undefined, stream?: string): void
  /** Newest first. */
  report(): readonly FailureReport[]
}

const MOST = 20

interface Noted {
  readonly stream: string | undefined
  readonly failure: Failure
  readonly at: number
  readonly times: number
}

export function recentFailures({ now }: Pick<Clock, 'now'>): RecentFailures {
  const noted = new Map<string, Noted>()
  return {
    note: (failure, stream) => {
      if (failure === undefined) return
      const key = `${stream ?? ''} ${failure.code}`
      const { times = 0, failure: before } = noted.get(key) ?? {}
      noted.delete(key) // the newest is the last one
      // A repeated failure may come without its error.
      const shown = failure.error === undefined ? { ...before, ...failure } : failure
      noted.set(key, { stream, failure: shown, at: now(), times: times + 1 })
      const [oldest] = noted.keys()
      if (noted.size > MOST && oldest !== undefined) noted.delete(oldest)
    },
    report: () =>
      [...noted.values()].reverse().map(({ stream, failure, at, times }) => ({
        ...(stream === undefined ? {} : { stream }),
        at: new Date(at).toISOString(),
        times,
        ...explained(failure),
      })),
  }
}
