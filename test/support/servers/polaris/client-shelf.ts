import type { Output } from './answer-form.ts'
import type { WallText } from './wall-clock.ts'

/** Where a client stands in the order of the answers: by modification, then by index. */
export interface Place {
  readonly modified: WallText
  readonly index: number
}

/** The clients of one page. */
export interface Selection {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  readonly count: number
  /** Of the last one; the place that was asked for when there is none. */
  readonly last: Place
  readonly more: boolean
}

/** Clients in the order of their last change, oldest first. */
export interface ClientShelf {
  /** The first `limit` clients behind a place, with their content of now. */
  select(after: Place, limit: number, output: Output): Selection
}

/** Before every client modified at `lastChanged` or later. */
export function fromTime(lastChanged: WallText): Place {
  return { modified: lastChanged, index: -1 }
}

/** Negative when `one` comes first. */
export function compare(one: Place, other: Place): number {
  if (one.modified !== other.modified) return one.modified < other.modified ? -1 : 1
  return one.index - other.index
}
