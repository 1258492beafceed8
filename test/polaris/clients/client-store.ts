import type { Output } from '../answer/answer-forms.ts'
import type { WallText } from '../wall-clock.ts'

/** Position of a client in the order of reads: by modification time, then by index. */
export interface Place {
  readonly modified: WallText
  readonly index: number
}

/** One change of the source. Tests compare the published events with these changes. */
export interface Change {
  readonly clientId: string
  /** `NoVersion` in the client's content. */
  readonly version: number
  /** Modification time as the server stores it: wall clock of its zone. */
  readonly modified: WallText
  /** Modification time in milliseconds since 1970. */
  readonly instant: number
}

/** The clients of one page. */
interface Selection {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  /** Place of the last client; the requested place if there are no clients. */
  readonly last: Place
  readonly more: boolean
}

/** Clients in the order of their last changes, oldest first. */
export interface ClientStore {
  /** The first `limit` clients after a place, as they are now. */
  select(after: Place, limit: number, output: Output): Selection
}

/** The place before every client modified at `lastChanged` or later. */
export function fromTime(lastChanged: WallText): Place {
  return { modified: lastChanged, index: -1 }
}

/** Negative if `left` comes first. */
export function compare(left: Place, right: Place): number {
  if (left.modified !== right.modified) return left.modified < right.modified ? -1 : 1
  return left.index - right.index
}
