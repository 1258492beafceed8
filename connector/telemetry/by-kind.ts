import type { PipelineEvent } from '../pipeline/pipeline-event.ts'

type Kind = PipelineEvent['kind']

export type EventOf<K extends Kind> = Extract<PipelineEvent, { kind: K }>

/** An exhaustive switch over the pipeline's events, written as a list: one entry per kind, none missing. */
export type ByKind<Result> = { readonly [K in Kind]: (event: EventOf<K>) => Result }

export function byKind<Result>(list: ByKind<Result>, event: PipelineEvent): Result {
  const entry = list[event.kind] as (event: PipelineEvent) => Result // each entry takes the kind that it is listed under
  return entry(event)
}
