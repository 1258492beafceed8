import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import { KEPT_REQUESTS, type StreamState } from '../../checkpoint/stream-state.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import type { ClientTable } from '../../index/client-table.ts'
import { deltaText } from '../../index/index-state.ts'
import { UNKNOWN_BEGINNING } from '../../scan/scan-state.ts'

/** A client index that begins empty, or was rebuilt from the topic. */
export interface BareIndex {
  readonly table: Pick<ClientTable, 'get' | 'setAll'>
  readonly rules: readonly string[]
  /** The stream's events. */
  readonly events: number
  /** Whether a request may have been carried out. */
  readonly mayBeCarriedOut: (request: string) => boolean
}

/** Adds to `table` the entries that a feature keeps beside the checkpoint. Returns rules and events with them. */
export type AddKept = (index: BareIndex) => Pick<BareIndex, 'rules' | 'events'>

export interface Keeper {
  /** Reads what it keeps beside the checkpoint, for a client index that is new or rebuilt. Rejects if it cannot. */
  kept?(stop: AbortSignal): Promise<AddKept>
}

/** Reads what all features keep. Rejects as they do. */
export async function readKept(features: readonly Keeper[], stop: AbortSignal): Promise<AddKept> {
  const kept = await Promise.all(features.flatMap((feature) => feature.kept?.(stop) ?? []))
  return (index) => {
    let { rules, events }: Pick<BareIndex, 'rules' | 'events'> = index
    for (const add of kept) ({ rules, events } = add({ ...index, rules, events }))
    return { rules, events }
  }
}

/** A state whose client index is empty, with what features keep. */
export function withKept(before: StreamState, add: AddKept): StreamState {
  const delta: string[] = []
  const table: BareIndex['table'] = { get: () => undefined, setAll: (words) => void delta.push(deltaText(words)) }
  const index = { table, rules: before.index.rules, events: before.events, mayBeCarriedOut: () => true }
  const { rules, events } = add(index)
  const text = delta.join('')
  return text === '' ? before : { ...before, events, index: { ...before.index, rules, delta: text } }
}

/** Whether a request was carried out, or the document does not know: it has the last ones, since the stream began. */
export const mayBeCarriedOutBy =
  (document: CheckpointDocument) =>
  (request: string): boolean => {
    const { carriedOut, scans } = committedByRecord(document).state
    // An earlier document may be lost.
    if (scans.earliest === null || scans.earliest === UNKNOWN_BEGINNING) return true
    if (carriedOut.length >= KEPT_REQUESTS) return true
    return carriedOut.some(({ id }) => id === request)
  }
