import { codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../runtime/error-catalogue.ts'

export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped'

/** What one check found. */
export interface Finding {
  /** Null: of the whole connector. */
  readonly stream: string | null
  readonly check: string
  readonly verdict: Verdict
  /** What was seen; of `skipped`, why. Names, counts and times, nothing personal. */
  readonly seen: string
  /** Of `failed`. */
  readonly code?: ErrorCode
  /** What to do about it; of `warning` and `failed`. */
  readonly cure?: string
}

/** A finding before it is known what it is about. */
export type Judgement = Omit<Finding, 'stream' | 'check'>

export const ok = (seen: string): Judgement => ({ verdict: 'ok', seen })
export const warning = (seen: string, cure: string): Judgement => ({ verdict: 'warning', seen, cure })
export const skipped = (why: string): Judgement => ({ verdict: 'skipped', seen: why })
export const failed = (code: ErrorCode, seen: string, cure: string = errorCatalogue[code].hint): Judgement => ({
  ...{ verdict: 'failed', code, seen, cure },
})

/** Findings by the name of their check, in the order in which they are shown. */
export type Findings = Readonly<Record<string, Judgement>>

export interface Patience {
  /** Aborts when the time for the whole examination is over. */
  readonly patience: AbortSignal
  /** The code of what has not answered by then. */
  readonly late: ErrorCode
}

/** What `work` finds, or what its error says. */
export async function judged(waiting: Patience, work: () => Promise<Judgement>): Promise<Judgement> {
  try {
    return await work()
  } catch (error) {
    return failure(error, waiting)
  }
}

/** What an error says about the thing that was checked. */
export function failure(error: unknown, { late, patience }: Patience): Judgement {
  const code = codeOf(error)
  if (code !== 'bug' && error instanceof Error) return failed(code, error.message)
  if (patience.aborted) return failed(late, 'no answer in the time that doctor has')
  return failed('bug', `unexpected ${error instanceof Error ? error.name : 'error'}`)
}

/** `work`, unless what it needs is not there. */
export async function after(needed: Judgement, what: string, work: () => Promise<Judgement>): Promise<Judgement> {
  return needed.verdict === 'failed' || needed.verdict === 'skipped' ? skipped(`${what} is needed`) : await work()
}
