import { type StreamState, streamStates } from '../../pipeline/pipeline-event.ts'
import type { WatchedStream } from '../health.ts'

/** One series of a gauge, at a scrape. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

export function certificateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  return Object.entries(status.certificates).map(([certificate, expiresAt]) => [
    { stream, certificate },
    expiresAt / 1000,
  ])
}

/** A stream that has ended waits until it is assigned again. */
const exportedPhases: readonly StreamState[] = streamStates.filter((phase) => phase !== 'ended')

export function stateSamples({ stream, status: { state } }: WatchedStream): readonly Sample[] {
  const exported = exportedPhases.includes(state) ? state : 'waiting'
  return exportedPhases.map((phase) => [{ stream, state: phase }, exported === phase ? 1 : 0])
}
