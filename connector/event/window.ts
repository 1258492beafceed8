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
  /** Applies a step; returns how many clients the capacity made unknown. */
  apply(step: WindowStep): number
  state(): WindowState
}

/** A window to work with; `capacity` is the number of clients that each generation may hold. */
export function openWindow(state: WindowState, capacity: number): Window {
  let frozen = generation(state.frozen, capacity)
  let seen = generation(state.seen, capacity)
  const isUnknownNow = ({ client, content }: Latest) => {
    const older = frozen.latest(client)
    if (older === content) return false
    // Invariant 1: with its latest content gone, an older one must not pass for it: A → B → A.
    frozen.drop(client)
    return true
  }
  return {
    compare: (entry) => {
      const client = entry.slice(0, HASH_LENGTH)
      const latest = seen.latest(client) ?? frozen.latest(client)
      if (latest === undefined) return 'unknown'
      return latest === entry.slice(HASH_LENGTH) ? 'same' : 'other'
    },
    apply: (step) => {
      if (step.kind === 'seen') return seen.add(step.slice).filter(isUnknownNow).length
      const kept = liveSlices([...frozen.slices(), ...seen.slices()]).filter((slice) => slice.until >= step.keepFrom)
      frozen = generation([], capacity)
      seen = generation([], capacity)
      return kept.reduce((overflow, slice) => overflow + frozen.add(slice).length, 0)
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

interface Latest {
  readonly client: string
  readonly content: string
}

interface Generation {
  latest(client: string): string | undefined
  /** Returns what the capacity pushed out. */
  add(slice: WindowSlice): Latest[]
  drop(client: string): void
  slices(): WindowSlice[]
}

function generation(initial: readonly WindowSlice[], capacity: number): Generation {
  const held: { slice: WindowSlice }[] = []
  const latest = new Map<string, { content: string; in: { slice: WindowSlice } }>()
  let size = 0

  const forget = (place: { slice: WindowSlice }) => {
    const gone: Latest[] = []
    for (const entry of entriesOf(place.slice)) {
      const client = entry.slice(0, HASH_LENGTH)
      const known = latest.get(client)
      if (known?.in !== place) continue
      latest.delete(client)
      gone.push({ client, content: known.content })
    }
    return gone
  }

  const add = (slice: WindowSlice) => {
    if (slice.entries === '') return []
    const place = { slice }
    held.push(place)
    size += slice.entries.length
    for (const entry of entriesOf(slice))
      latest.set(entry.slice(0, HASH_LENGTH), { content: entry.slice(HASH_LENGTH), in: place })
    const gone: Latest[] = []
    while (size > capacity * ENTRY_LENGTH && held.length > 1) {
      const oldest = held.shift() ?? place
      size -= oldest.slice.entries.length
      gone.push(...forget(oldest))
    }
    return gone
  }

  const drop = (client: string) => {
    const place = latest.get(client)?.in
    if (place === undefined) return
    latest.delete(client)
    size -= place.slice.entries.length
    place.slice = withoutClient(place.slice, client)
    size += place.slice.entries.length
  }

  for (const slice of initial) add(slice)
  return {
    latest: (client) => latest.get(client)?.content,
    add,
    drop,
    slices: () => held.map(({ slice }) => slice).filter(({ entries }) => entries !== ''),
  }
}

function withoutClient({ until, entries }: WindowSlice, client: string): WindowSlice {
  const kept = [...entriesOf({ until, entries })].filter((entry) => !entry.startsWith(client))
  return { until, entries: kept.join('') }
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
