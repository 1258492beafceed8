import type { Output } from '../answer/answer-form.ts'
import type { WallText } from '../wall-clock.ts'

/** Position of a client in the order of reads: by modification time, then by index. */
export interface Place {
  readonly modified: WallText
  readonly index: number
}

/** The clients of one page. */
export interface Selection {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  readonly count: number
  /** Place of the last client; the requested place if there are no clients. */
  readonly last: Place
  readonly more: boolean
}

/** Clients in the order of their last changes, oldest first. */
export interface ClientStore {
  /** The first `limit` clients after a place, with their current content or that of a snapshot. */
  select(after: Place, limit: number, output: Output, asOf?: number): Selection
  /** Clients after a place, each once. */
  indexes(after: Place): readonly number[]
  /** These clients as they are now, without those that are deleted. */
  present(indexes: readonly number[], output: Output): readonly Buffer[]
  /** The present state of all clients. Later changes do not affect it. */
  snapshot(): number
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
