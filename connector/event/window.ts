import type { SourceTime } from '../source/client-source.ts'

/**
 * The window maps a client to the content last published for it, so that what an overlap brings again unchanged is dropped.
 * Only the latest content counts: A → B → A keeps its last change.
 */

/** Clients read together. `entries`: per client 11 + 11 base64url characters (66 bits) of the hash of its id and of its content. */
export interface WindowSlice {
  /** No client of the slice changed later than this, by the server's wall clock. */
  readonly until: SourceTime
  readonly entries: string
}

/** Two generations: `frozen`, what earlier drains saw (never pushed out while a drain runs), and `seen`, what this drain has seen. */
export interface WindowState {
  readonly frozen: readonly WindowSlice[]
  readonly seen: readonly WindowSlice[]
}

export type WindowStep =
  | { readonly kind: 'seen'; readonly slice: WindowSlice }
  /** A drain begins: what was seen joins the frozen generation, which keeps what a read from `keepFrom` on can bring back. */
  | { readonly kind: 'freeze'; readonly keepFrom: SourceTime }

const HASH_LENGTH = 11
const ENTRY_LENGTH = 2 * HASH_LENGTH

/** One client of a slice, from full hashes (base64url). */
export function windowEntry(clientHash: string, contentHash: string): string {
  return clientHash.slice(0, HASH_LENGTH) + contentHash.slice(0, HASH_LENGTH)
}

export interface Window {
  /** Compares with the latest content that was published (or read again) for the client. */
  compare(entry: string): 'same' | 'other' | 'unknown'
  /** Applies a step; returns how many clients the capacity pushed out. */
  apply(step: WindowStep): number
  state(): WindowState
}

/** A window to work with; `capacity` is the number of clients that each generation may hold. */
export function openWindow(state: WindowState, capacity: number): Window {
  let frozen = generation(state.frozen, capacity)
  let seen = generation(state.seen, capacity)
  return {
    compare: (entry) => {
      const client = entry.slice(0, HASH_LENGTH)
      const latest = seen.latest(client) ?? frozen.latest(client)
      if (latest === undefined) return 'unknown'
      return latest === entry.slice(HASH_LENGTH) ? 'same' : 'other'
    },
    apply: (step) => {
      if (step.kind === 'seen') return seen.add(step.slice)
      const kept = liveSlices([...frozen.slices(), ...seen.slices()]).filter((slice) => slice.until >= step.keepFrom)
      frozen = generation([], capacity)
      seen = generation([], capacity)
      return kept.reduce((overflow, slice) => overflow + frozen.add(slice), 0)
    },
    state: () => ({ frozen: frozen.slices(), seen: seen.slices() }),
  }
}

/** The window after the steps. Pure. */
export function windowAfter(state: WindowState, steps: readonly WindowStep[], capacity: number): WindowState {
  const window = openWindow(state, capacity)
  for (const step of steps) window.apply(step)
  return window.state()
}

interface Generation {
  latest(client: string): string | undefined
  add(slice: WindowSlice): number
  slices(): WindowSlice[]
}

function generation(initial: readonly WindowSlice[], capacity: number): Generation {
  const slices: WindowSlice[] = []
  const latest = new Map<string, { content: string; slice: WindowSlice }>()
  let size = 0

  const forget = (slice: WindowSlice) => {
    let gone = 0
    for (const entry of entriesOf(slice)) {
      const client = entry.slice(0, HASH_LENGTH)
      if (latest.get(client)?.slice !== slice) continue
      latest.delete(client)
      gone += 1
    }
    return gone
  }

  const add = (slice: WindowSlice) => {
    if (slice.entries === '') return 0
    slices.push(slice)
    size += slice.entries.length / ENTRY_LENGTH
    for (const entry of entriesOf(slice))
      latest.set(entry.slice(0, HASH_LENGTH), { content: entry.slice(HASH_LENGTH), slice })
    let gone = 0
    for (let oldest = slices[0]; size > capacity && slices.length > 1 && oldest !== undefined; oldest = slices[0]) {
      slices.shift()
      size -= oldest.entries.length / ENTRY_LENGTH
      gone += forget(oldest)
    }
    return gone
  }

  for (const slice of initial) add(slice)
  return { latest: (client) => latest.get(client)?.content, add, slices: () => [...slices] }
}

/** The same slices without the entries that a later slice replaced. */
function liveSlices(slices: readonly WindowSlice[]): WindowSlice[] {
  const newest = new Set<string>()
  const live: WindowSlice[] = []
  for (const slice of slices.toReversed()) {
    const kept = [...entriesOf(slice)].reverse().filter((entry) => {
      const client = entry.slice(0, HASH_LENGTH)
      return !newest.has(client) && newest.add(client)
    })
    if (kept.length > 0) live.push({ until: slice.until, entries: kept.reverse().join('') })
  }
  return live.reverse()
}

function* entriesOf(slice: WindowSlice): Generator<string> {
  for (let at = 0; at < slice.entries.length; at += ENTRY_LENGTH) yield slice.entries.slice(at, at + ENTRY_LENGTH)
}
