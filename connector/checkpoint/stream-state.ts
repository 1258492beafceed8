import type { CarriedOut } from '../control/stream-requests.ts'
import type { StreamMapping } from '../event/page-mapping.ts'
import { emptyIndex, type IndexState, withEntries } from '../index/index-state.ts'
import { newScans, type Recheck, type ScanStates } from '../scan/scan-state.ts'

/** What the scan for a request to publish again has done, by the id of the request. */
export interface Republished {
  readonly id: string
  /** The stream's events at the first page: what was published since is not published again. */
  readonly since: number
  /** See `RepublishProgress`. */
  readonly published: number
  readonly changed: number
  /** Keys of the wanted clients that it has not returned yet; null: all clients are wanted. */
  readonly missing: readonly string[] | null
}

/** What one transaction adds to a state. */
export interface StateChange {
  readonly scans: ScanStates
  readonly recheck: Recheck | null
  /** Events published so far: the `sequence` of the next one. */
  readonly events: number
  /** Null: no page has been processed. */
  readonly mapping: StreamMapping | null
  /** Null: no clients are published again. */
  readonly republished: Republished | null
  /** Requests that the stream has carried out, the last 50; of those that the control object shows as done, the ids. */
  readonly carriedOut: readonly CarriedOut[]
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
  return first === undefined ? second : { ...second, entries: first.entries + second.entries }
}

/** The state of a stream that has read nothing yet. */
export const beginning: StreamState = {
  scans: newScans,
  recheck: null,
  events: 0,
  mapping: null,
  republished: null,
  carriedOut: [],
  index: emptyIndex,
}
