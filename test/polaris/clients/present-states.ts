import { type Change, compare, type Place } from './client-store.ts'

/** A client since its last change. */
export interface ClientState extends Place {
  readonly change: Change
}

/** The present state of every client, by place. */
export interface PresentStates {
  /** Undefined for a client that never was, or is deleted. */
  of(index: number): ClientState | undefined
  /** Shows states with the same modification time, in ascending order of indexes, in place of the former ones. */
  show(states: readonly ClientState[]): void
  /** The client with this index is no longer returned. */
  hide(index: number): void
  /** The first `limit` clients after a place. */
  after(place: Place, limit: number): { readonly states: readonly ClientState[]; readonly more: boolean }
}

export function presentStates(): PresentStates {
  /** Also former states, which are passed over. */
  const ordered: ClientState[] = []
  const current: (ClientState | undefined)[] = []
  return {
    of: (index) => current[index],
    show: (states) => {
      const [first, second] = states
      if (first === undefined) return
      for (const state of states) current[state.index] = state
      const position = positionAfter(ordered, first)
      if (second === undefined) return void ordered.splice(position, 0, first)
      const later = ordered.splice(position)
      for (const state of later.length === 0 ? states : [...later, ...states].sort(compare)) ordered.push(state)
    },
    hide: (index) => {
      current[index] = undefined
    },
    after: (place, limit) => {
      const states: ClientState[] = []
      for (let at = positionAfter(ordered, place); at < ordered.length; at += 1) {
        const state = ordered[at]
        if (state === undefined || current[state.index] !== state) continue
        if (states.length === limit) return { states, more: true }
        states.push(state)
      }
      return { states, more: false }
    },
  }
}

/** Number of states up to and including `place`. */
function positionAfter(ordered: readonly Place[], place: Place): number {
  const last = ordered.at(-1)
  let low = last === undefined || compare(last, place) <= 0 ? ordered.length : 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const state = ordered[middle]
    if (state !== undefined && compare(state, place) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
