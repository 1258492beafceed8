import type { StreamMapping } from '../event/page-mapping.ts'
import { emptyIndex, type IndexState, joinedDelta, withEntries } from '../index/index-state.ts'
import { newScans, type Recheck, type ScanStates } from '../scan/scan-state.ts'

/** What one transaction adds to a state. */
export interface StateChange {
  readonly scans: ScanStates
  readonly recheck: Recheck | null
  /** Events published so far: the `sequence` of the next one. */
  readonly events: number
  /** Null: no page has been processed. */
  readonly mapping: StreamMapping | null
  /** New entries of the client index, in base64 as in `IndexState.delta`. */
  readonly entries: string
}

/** Everything needed to resume. */
export interface StreamState extends Omit<StateChange, 'entries'> {
  readonly index: IndexState
}

/** The state after the change. Pure. */
export function stateAfter({ index }: StreamState, { entries, ...reached }: StateChange): StreamState {
  return { ...reached, index: withEntries(index, entries) }
}

/** Both changes as one. Pure. */
export function bothChanges(first: StateChange | undefined, second: StateChange): StateChange {
  if (first === undefined) return second
  return { ...second, entries: joinedDelta(first.entries, second.entries) }
}

/** The state of a stream that has read nothing yet. */
export const beginning: StreamState = {
  scans: newScans,
  recheck: null,
  events: 0,
  mapping: null,
  index: emptyIndex,
}
