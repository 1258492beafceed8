import type { Observe, PipelineEvent, StreamState } from '../../connector/pipeline/pipeline-event.ts'

export const entered = (state: StreamState, was: StreamState = 'waiting'): PipelineEvent => ({
  kind: 'stream-state',
  state,
  was,
})

const states: Partial<Record<PipelineEvent['kind'], StreamState>> = {
  'stream-claimed': 'running',
  'stream-paused': 'paused',
  'stream-retrying': 'retrying',
  'stream-held': 'held',
  'stream-lost': 'retrying',
  'stream-failed': 'ended',
}

/** The event, preceded by the change of state that it belongs to. */
export function withState(event: PipelineEvent): readonly PipelineEvent[] {
  const state = states[event.kind]
  return state === undefined ? [event] : [entered(state), event]
}

export const reporting =
  (observe: Observe): Observe =>
  (event) =>
    withState(event).forEach(observe)
