import type { PipelineEvent } from '../pipeline/pipeline-event.ts'

type Kind = PipelineEvent['kind']

export type EventOf<K extends Kind> = Extract<PipelineEvent, { kind: K }>

/** An exhaustive switch over events, those of the pipeline by default, written as a list: one entry per kind, none missing. */
export type ByKind<Result, Event extends { readonly kind: string } = PipelineEvent> = {
  readonly [K in Event['kind']]: (event: Extract<Event, { kind: K }>) => Result
}

export function byKind<Result, Event extends { readonly kind: string }>(
  list: ByKind<Result, Event>,
  event: Event,
): Result {
  const entry = list[event.kind as Event['kind']] as (event: Event) => Result // each entry takes the kind that it is listed under
  return entry(event)
}
