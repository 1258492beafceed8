import type {
  Observe,
  PipelineEvent,
  StateReason,
  StreamFailure,
  StreamState,
} from '../../connector/pipeline/pipeline-event.ts'

export const entered = (
  state: StreamState,
  previousState: StreamState = 'waiting',
  why: StateReason = {},
): PipelineEvent => ({
  kind: 'stream-state',
  state,
  previousState,
  ...why,
})

/** The stream fails, and enters this state. */
export function failed(state: StreamState, error: unknown, more: Partial<StreamFailure> = {}): PipelineEvent {
  const kind = state === 'retrying' ? 'retry' : 'hold'
  return entered(state, 'running', { failure: { error, kind, pauseMs: 60_000, times: 1, isRepeated: false, ...more } })
}

/** The event; a claim with the state that follows. */
export const withState = (event: PipelineEvent): readonly PipelineEvent[] =>
  event.kind === 'stream-claimed' ? [event, entered('running')] : [event]

export const reporting =
  (observe: Observe): Observe =>
  (event) =>
    withState(event).forEach(observe)
