import type { PauseRequest } from '../control/control-document.ts'
import type { ControlWatch } from '../control/control-watch.ts'
import { lastOf, pauseOf } from '../control/requests.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { linkedAbort } from '../runtime/abort.ts'
import type { Changes } from '../runtime/changes.ts'
import type { Assignment } from './assignment.ts'
import type { Wanted } from './stream-machine.ts'

interface Desired {
  readonly kind: Wanted
  /** Of the assignment or of the pause: another one is another desired state. */
  readonly id: string | number
}

/** What placement, operators and the process want of one stream. */
export interface DesiredState {
  current(): Desired
  /** As `Changes.until`. */
  readonly until: Changes['until']
  /** Waits until the requests of operators are known. */
  untilKnown(stop: AbortSignal): Promise<void>
  /** The pause in force. */
  pause(): PauseRequest | undefined
  /** The stream does what operators have requested last. */
  carriedOut(): void
}

interface DesiredParts {
  readonly stream: string
  readonly assignment: Assignment
  readonly control: Pick<ControlWatch, 'current' | 'failure' | 'until' | 'carriedOut'>
  readonly observe: Observe
}

/** `stop`: the process stops. */
export function desiredState({ stream, assignment, control, observe }: DesiredParts, stop: AbortSignal): DesiredState {
  const pause = () => {
    const document = control.current()
    return document && pauseOf(document, stream)
  }
  const isKnown = () => control.current() !== undefined
  return {
    pause,
    current: () => {
      if (stop.aborted) return { kind: 'stop', id: '' }
      if (!assignment.isAssigned(stream)) return { kind: assignment.isFinal() ? 'stop' : 'wait', id: '' }
      const paused = pause()
      return paused === undefined ? { kind: 'run', id: assignment.epoch(stream) } : { kind: 'pause', id: paused.id }
    },
    until: async (condition, ended) => {
      using waiting = linkedAbort(ended)
      const either = [control, assignment].map(({ until }) => until(condition, waiting.signal))
      await Promise.race(either)
      waiting.abort()
      return condition()
    },
    // A paused stream stays paused when its replica restarts, even if the control object cannot be read.
    untilKnown: async (ended) => {
      while (!isKnown() && !ended.aborted) {
        const failure = control.failure()
        observe({ kind: 'control-awaited', failure })
        await control.until(() => isKnown() || control.failure() !== failure, ended)
      }
    },
    carriedOut: () => {
      const document = control.current()
      const last = document && lastOf(document, stream)
      if (last?.progress.kind === 'requested') control.carriedOut(last)
    },
  }
}
