import type { Observe, StreamState } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'

/** What is wanted of a stream: it is assigned here, paused by an operator, assigned elsewhere, or the process stops. */
export type Wanted = 'run' | 'pause' | 'wait' | 'stop'

/** What happens to a stream. `left`: it runs or tries to, and something else is wanted. `passed`: a pause or a check. */
export type StreamEvent = Wanted | Outcome | 'left' | 'passed' | 'opened' | 'group-silent' | 'group-answers'

/** What follows the end of an attempt to run a stream. */
type Outcome = 'caught-up' | 'retry' | 'hold' | 'lost' | 'give-up'

const asWanted = { run: 'opening', pause: 'paused', wait: 'waiting', stop: 'ended' } as const
const afterAttempt = {
  retry: 'retrying',
  hold: 'held',
  lost: 'lost',
  'give-up': 'ended',
  'caught-up': 'ended',
} as const

const transitions: Record<StreamState, Partial<Record<StreamEvent, StreamState>>> = {
  waiting: asWanted,
  paused: asWanted,
  opening: { ...afterAttempt, 'group-silent': 'group-unreachable', opened: 'running', left: 'stopping' },
  'group-unreachable': { ...afterAttempt, 'group-answers': 'opening', left: 'stopping' },
  running: { ...afterAttempt, left: 'stopping' },
  retrying: { passed: 'opening', left: 'stopping' },
  held: { passed: 'opening', left: 'stopping' },
  // Finishes its page, whatever happens to it, and even if it is wanted again meanwhile.
  stopping: { ...asWanted, lost: 'lost' },
  lost: asWanted,
  ended: {},
}

/** The state that follows; the same one if the event means nothing in it. */
export const nextState = (state: StreamState, event: StreamEvent): StreamState => transitions[state][event] ?? state

/** The state of one stream. */
export interface StreamMachine {
  state(): StreamState
  take(event: StreamEvent): void
}

/** Reports each change of the state. */
export function streamMachine({
  clock,
  observe,
}: {
  clock: Pick<Clock, 'monotonic'>
  observe: Observe
}): StreamMachine {
  let state: StreamState = 'waiting'
  let since = clock.monotonic()
  return {
    state: () => state,
    take: (event) => {
      const [was, next] = [state, nextState(state, event)]
      if (next === was) return
      const now = clock.monotonic()
      const lastedMs = now - since
      ;[state, since] = [next, now]
      observe({ kind: 'stream-state', state, was, lastedMs })
    },
  }
}
