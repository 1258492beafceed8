import type { PipelineEvent } from '../pipeline/pipeline-event.ts'

type Kind = PipelineEvent['kind']

export type EventOf<K extends Kind> = Extract<PipelineEvent, { kind: K }>

/** An exhaustive switch over events, written as a table: one entry for each kind of event. */
export type ByKind<Result, Event extends { readonly kind: string } = PipelineEvent> = {
  readonly [K in Event['kind']]: (event: Extract<Event, { kind: K }>) => Result
}

export function byKind<Result, Event extends { readonly kind: string }>(
  list: ByKind<Result, Event>,
  event: Event,
): Result {
  const entry = list[event.kind as Event['kind']] as (event: Event) => Result // `list[kind]` takes this kind
  return entry(event)
}
