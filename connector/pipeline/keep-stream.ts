import type { Placement } from '../placement/placement.ts'
import type { Clock } from '../runtime/clock.ts'
import { graceAfter } from '../runtime/grace.ts'
import { pauseMs } from '../runtime/retry.ts'
import type { AssignedEvent } from './assigned-event.ts'
import type { Assignment } from './assignment.ts'
import type { StreamEnd } from './run-stream.ts'

/** How a stream that another owner took while it is assigned here comes back. */
export interface ContestSettings {
  /** Upper bound of the first pause; it doubles with each time. At least half of it is waited. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** A run that was longer than this begins the count anew. */
  readonly calmAfterMs: number
  /** How often the placement is asked whether it confirms the assignment. */
  readonly recheckMs: number
}

export const contestDefaults: ContestSettings = {
  firstPauseMs: 5_000,
  maxPauseMs: 120_000,
  calmAfterMs: 300_000,
  recheckMs: 1_000,
}

export interface KeepStreamParts {
  readonly stream: string
  readonly start: (stream: string, stop: AbortSignal, giveUp: AbortSignal) => Promise<StreamEnd>
  readonly finishWithinMs: number
  readonly contest: ContestSettings
  readonly placement: Pick<Placement, 'isAssigned' | 'isConfirmed'>
  readonly assignment: Assignment
  /** Where the last end of each stream is written. */
  readonly ends: Map<string, StreamEnd>
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
  /** Aborts once there will be no other assignment. */
  readonly noChange: AbortSignal
}

/** The assignment under which a run was started. */
interface Term {
  readonly tenure: number
  readonly generation: number
}

/**
 * Runs one stream whenever it is assigned, one run after the other. One that failed runs again when it is assigned after an assignment
 * without it; one that was lost, when its assignment is newer than the run, or confirmed after the loss and a pause. Never rejects.
 */
export async function keepStream(parts: KeepStreamParts, stop: AbortSignal): Promise<void> {
  const { stream, assignment, ends, clock, noChange } = parts
  let fences = 0
  while (!stop.aborted && (await assignment.until(() => assignment.isAssigned(stream), noChange))) {
    const term = { tenure: assignment.tenure(stream), generation: assignment.generation() }
    const startedAt = clock.monotonic()
    const end = await runOnce(parts, term, stop)
    ends.set(stream, end)
    if (!isOver(parts, term)) {
      if (end.kind === 'lost') {
        // Who has not heard of the group for a session was replaced by it: that is no quarrel. Nor is a fence of before the assignment of now.
        const isContested =
          assignment.generation() === term.generation &&
          parts.placement.isAssigned(stream) &&
          clock.monotonic() - startedAt <= parts.contest.calmAfterMs
        fences = isContested ? fences + 1 : 1
        await untilOwnedAgain(parts, term, fences)
      } else {
        await assignment.until(() => isOver(parts, term), noChange)
      }
      if (noChange.aborted) return
    }
    if (isOver(parts, term)) fences = 0
  }
}

/** Whether the stream was assigned elsewhere since the term began. */
const isOver = ({ stream, assignment }: KeepStreamParts, { tenure }: Term): boolean =>
  !assignment.isAssigned(stream) || assignment.tenure(stream) !== tenure

/** One run, which is told to stop when its term is over or `stop` aborts. */
async function runOnce(parts: KeepStreamParts, term: Term, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment, clock, finishWithinMs, observe } = parts
  const ended = new AbortController()
  const lettingGo = new AbortController()
  let overAt: number | undefined
  const watching = assignment
    .until(() => isOver(parts, term), ended.signal)
    .then((isSo) => {
      if (!isSo || ended.signal.aborted) return
      overAt = clock.monotonic()
      lettingGo.abort(new DOMException(`${stream} is assigned elsewhere`, 'AbortError'))
    })
  const stopRun = AbortSignal.any([stop, lettingGo.signal])
  using grace = graceAfter(stopRun, finishWithinMs, clock)
  const end = await parts
    .start(stream, stopRun, grace.signal)
    .catch((error: unknown): StreamEnd => ({ kind: 'failed', error }))
  ended.abort()
  await watching
  if (overAt !== undefined) observe({ kind: 'stream-let-go', stream, tookMs: clock.monotonic() - overAt })
  return end
}

/**
 * Waits until a stream that was taken may run here again. An assignment newer than the run settles it at once: who took the stream may have
 * done so under an older one. Otherwise somebody else believes to own it too (or an operator wrote its checkpoint): a growing pause, then
 * the group has to confirm it.
 */
async function untilOwnedAgain(parts: KeepStreamParts, term: Term, fences: number): Promise<void> {
  const { stream, assignment, placement, contest, clock, noChange } = parts
  const lostAt = clock.monotonic()
  const isNewer = () => assignment.generation() > term.generation
  const within = (ms: number, isSo: () => boolean) => {
    const limit = clock.deadline(ms, noChange)
    return assignment.until(isSo, limit.signal).finally(() => limit[Symbol.dispose]())
  }
  const pause = pauseMs({ ...contest, retries: 0, maxRetryAfterMs: 0 }, fences, 0.5 + clock.random() / 2)
  if (fences > 1) parts.observe({ kind: 'stream-contested', stream, fences, pauseMs: pause })
  await within(pause, () => isOver(parts, term) || isNewer())
  const mayRun = () => isOver(parts, term) || isNewer() || placement.isConfirmed(stream, lostAt)
  while (!mayRun() && !noChange.aborted) await within(contest.recheckMs, mayRun)
}
