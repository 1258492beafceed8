import type { Change } from './change.ts'
import { compare, type Place } from './client-store.ts'

/** A change of the client with this index. */
export interface ClientChange {
  readonly index: number
  readonly change: Change
}

/** A client from one change to its next. */
export interface ClientState extends Place, ClientChange {
  /** Number of the state among all states, in the order of becoming visible, from 1. */
  readonly shown: number
  /** Number of the state that replaced this one, or of its end. */
  replaced: number | undefined
}

/** Every state that clients ever had, by place: what was visible once can be read again. */
export interface StateLog {
  /** The visible state of the client with this index; undefined if it was never visible, or is hidden. */
  current(index: number): ClientState | undefined
  /** Number of states so far. */
  shown(): number
  /** Makes changes with the same modification time visible, in ascending order of indexes. */
  show(changes: readonly ClientChange[]): void
  /** The client with this index is no longer returned. Does nothing if it has no visible state. */
  hide(index: number): void
  /** The first `limit` clients after a place: those visible now, or those that were after the first `asOf` states. */
  after(place: Place, limit: number, asOf?: number): { readonly states: readonly ClientState[]; readonly more: boolean }
}

export function stateLog(): StateLog {
  const ordered: ClientState[] = []
  const current: (ClientState | undefined)[] = []
  let shown = 0
  const stateOf = ({ change, index }: ClientChange): ClientState => {
    shown += 1
    const known = current[index]
    if (known !== undefined) known.replaced = shown
    const state = { modified: change.modified, index, change, shown, replaced: undefined }
    current[index] = state
    return state
  }
  return {
    current: (index) => current[index],
    shown: () => shown,
    show: (changes) => {
      const states = changes.map(stateOf)
      const [first, second] = states
      if (first === undefined) return
      const position = positionAfter(ordered, first)
      if (second === undefined) return void ordered.splice(position, 0, first)
      const later = ordered.splice(position)
      for (const state of later.length === 0 ? states : [...later, ...states].sort(compare)) ordered.push(state)
    },
    hide: (index) => {
      const known = current[index]
      if (known === undefined) return
      shown += 1
      known.replaced = shown
      current[index] = undefined
    },
    after: (place, limit, asOf) => {
      const states: ClientState[] = []
      for (let at = positionAfter(ordered, place); at < ordered.length; at += 1) {
        const state = ordered[at]
        if (state === undefined || !isVisible(state, asOf)) continue
        if (states.length === limit) return { states, more: true }
        states.push(state)
      }
      return { states, more: false }
    },
  }
}

function isVisible({ shown, replaced }: ClientState, asOf: number | undefined): boolean {
  if (asOf === undefined) return replaced === undefined
  return shown <= asOf && (replaced === undefined || replaced > asOf)
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
