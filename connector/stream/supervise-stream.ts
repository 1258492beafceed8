import type { Placement } from '../placement/placement.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { pauseMs } from '../runtime/retry.ts'
import { graceAfter } from '../runtime/shutdown.ts'
import type { AssignedEvent, Assignment } from './assignment.ts'
import type { StreamEnd } from './run-stream.ts'

/** When to reopen a stream that another process took although it is assigned here. */
interface ContentionSettings {
  /** Upper bound of the first pause; doubles each time. The actual pause is at least half of it. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** A run longer than this resets the count. */
  readonly calmAfterMs: number
  /** How often to check whether placement confirms the assignment. */
  readonly recheckMs: number
}

export const contentionDefaults: ContentionSettings = {
  firstPauseMs: 5_000,
  maxPauseMs: 120_000,
  calmAfterMs: 300_000,
  recheckMs: 1_000,
}

export interface SuperviseParts {
  readonly stream: string
  readonly start: (stream: string, stop: AbortSignal, giveUp: AbortSignal) => Promise<StreamEnd>
  readonly finishWithinMs: number
  readonly contention: ContentionSettings
  readonly placement: Pick<Placement, 'assignmentOf' | 'isConfirmed'>
  readonly assignment: Assignment
  /** Receives how the last run of each stream ended. */
  readonly lastEnds: Map<string, StreamEnd>
  readonly clock: Clock
  readonly observe: (event: AssignedEvent) => void
  /** Aborts when no further assignment will follow. */
  readonly noChange: AbortSignal
}

/** The assignment under which a run started. */
interface StartedUnder {
  readonly epoch: number
  readonly generation: number
}

/**
 * Runs one stream whenever it is assigned, one run at a time. A failed stream runs again after it was unassigned and
 * assigned again. A lost stream runs again when a newer assignment includes it, or after a pause when placement
 * confirms the assignment. Never rejects.
 */
export async function superviseStream(parts: SuperviseParts, stop: AbortSignal): Promise<void> {
  const { stream, assignment, lastEnds, clock, noChange } = parts
  let fences = 0
  while (!stop.aborted && (await assignment.until(() => assignment.isAssigned(stream), noChange))) {
    const startedUnder = { epoch: assignment.epoch(stream), generation: assignment.generation() }
    const startedAt = clock.monotonic()
    const end = await runOnce(parts, startedUnder, stop)
    lastEnds.set(stream, end)
    if (!wasReassigned(parts, startedUnder)) {
      if (end.kind === 'lost') {
        // Not contention: the group session had expired, or the fence predates the current assignment.
        const isContested =
          assignment.generation() === startedUnder.generation &&
          parts.placement.assignmentOf(stream) === 'here' &&
          clock.monotonic() - startedAt <= parts.contention.calmAfterMs
        fences = isContested ? fences + 1 : 1
        await untilReopenable(parts, startedUnder, fences)
      } else {
        await assignment.until(() => wasReassigned(parts, startedUnder), noChange)
      }
      if (noChange.aborted) return
    }
    if (wasReassigned(parts, startedUnder)) fences = 0
  }
}

/** Whether the stream has been unassigned since the run started, even if it is assigned here again. */
const wasReassigned = ({ stream, assignment }: SuperviseParts, { epoch }: StartedUnder): boolean =>
  !assignment.isAssigned(stream) || assignment.epoch(stream) !== epoch

/** One run; stops when the stream is assigned to another replica or `stop` aborts. */
async function runOnce(parts: SuperviseParts, startedUnder: StartedUnder, stop: AbortSignal): Promise<StreamEnd> {
  const { stream, assignment, clock, finishWithinMs, observe } = parts
  const ended = new AbortController()
  using run = linkedAbort(stop)
  let reassignedAt: number | undefined
  const watching = assignment
    .until(() => wasReassigned(parts, startedUnder), ended.signal)
    .then((isReassigned) => {
      if (!isReassigned || ended.signal.aborted) return
      reassignedAt = clock.monotonic()
      run.abort(new DOMException(`${stream} is assigned to another replica`, 'AbortError'))
    })
  using grace = graceAfter(run.signal, finishWithinMs, clock)
  const end = await parts
    .start(stream, run.signal, grace.signal)
    .catch((error: unknown): StreamEnd => ({ kind: 'failed', error }))
  ended.abort()
  await watching
  if (reassignedAt !== undefined) observe({ kind: 'stream-released', stream, tookMs: clock.monotonic() - reassignedAt })
  return end
}

/**
 * Waits until a lost stream may run here again. After an assignment newer than the run, this is immediate: the other
 * process may have acted on an older assignment. Otherwise another process also claims the stream, or an operator wrote
 * its checkpoint: pause, longer each time, until placement confirms the assignment.
 */
async function untilReopenable(parts: SuperviseParts, startedUnder: StartedUnder, fences: number): Promise<void> {
  const { stream, assignment, placement, contention, clock, noChange } = parts
  const lostAt = clock.monotonic()
  const isNewer = () => assignment.generation() > startedUnder.generation
  const within = (ms: number, condition: () => boolean) => {
    const limit = clock.deadline(ms, noChange)
    return assignment.until(condition, limit.signal).finally(() => limit[Symbol.dispose]())
  }
  const pause = pauseMs({ ...contention, retries: 0, maxRetryAfterMs: 0 }, fences, 0.5 + clock.random() / 2)
  if (fences > 1) parts.observe({ kind: 'stream-contested', stream, fences, pauseMs: pause })
  await within(pause, () => wasReassigned(parts, startedUnder) || isNewer())
  const mayRun = () => wasReassigned(parts, startedUnder) || isNewer() || placement.isConfirmed(stream, lostAt)
  while (!mayRun() && !noChange.aborted) await within(contention.recheckMs, mayRun)
}
