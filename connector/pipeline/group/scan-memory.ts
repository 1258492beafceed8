import type { ReadClient } from '../../event/read-client.ts'
import { type ClientKey, type ContentKey, highWord, lowWord } from '../../index/index-entry.ts'
import { type OrderWatch, orderWatch, type ScanOrder } from '../../scan/scan-order.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { Scan, ScanStates } from '../../scan/scan-state.ts'

/** What this replica keeps in memory of the scans in progress; of that, the checkpoint contains their orders. */
export interface ScanMemory {
  /** A scan begins, or begins again. `states`: all scans in progress. */
  beginScan(scan: ScanRun, states: ScanStates): void
  add(scan: ScanRun, client: ReadClient): void
  endPage(scan: ScanRun): void
  /** Frees the memory of a complete scan. */
  endScan(scan: ScanRun): void
  /** Of the pages that were processed; before the first one, what the scan itself knows. */
  order(scan: ScanRun): ScanOrder
  isCycling(scan: ScanRun): boolean
}

/** A scan since it began at its start. */
export type ScanRun = Pick<Scan, 'ordinal' | 'restarts' | 'order' | 'startedAt'>

interface Remembered {
  readonly restarts: number
  readonly order: OrderWatch
  returned: ReturnedClients
  isCycling: boolean
}

/** `states`: the scans in progress that are resumed. */
export function scanMemory(states: ScanStates, settings: Pick<ScanSettings, 'timeZone' | 'overlapMs'>): ScanMemory {
  const byOrdinal = new Map<number, Remembered>()
  const begin = ({ ordinal, restarts, order }: ScanRun) => {
    const watch = orderWatch(order, settings)
    const remembered = { restarts, order: watch, returned: returnedClients(), isCycling: false }
    byOrdinal.set(ordinal, remembered)
    return remembered
  }
  const inProgress = ({ live, background }: ScanStates) => [...background, ...(live.scan === null ? [] : [live.scan])]
  for (const scan of inProgress(states)) begin(scan)
  const of = ({ ordinal, restarts }: ScanRun): Remembered | undefined => {
    const remembered = byOrdinal.get(ordinal)
    return remembered?.restarts === restarts ? remembered : undefined
  }
  const ofOrNew = (scan: ScanRun) => of(scan) ?? begin(scan)
  return {
    beginScan: (scan, now) => {
      const ordinals = new Set(inProgress(now).map(({ ordinal }) => ordinal))
      for (const ordinal of byOrdinal.keys()) if (!ordinals.has(ordinal)) byOrdinal.delete(ordinal)
      // Of a scan that is resumed by a modification time, the order is still known.
      Object.assign(ofOrNew(scan), { returned: returnedClients(), isCycling: false })
    },
    add: (scan, { key, content, modified }) => {
      const { returned, order } = ofOrNew(scan)
      returned.add(key, content)
      if (modified !== undefined && scan.startedAt !== null) order.add(modified, scan.startedAt)
    },
    endPage: (scan) => {
      const remembered = ofOrNew(scan)
      remembered.order.endPage()
      remembered.isCycling = remembered.returned.endPage() === 'cycling'
    },
    endScan: ({ ordinal }) => void byOrdinal.delete(ordinal),
    order: (scan) => of(scan)?.order.order() ?? scan.order,
    isCycling: (scan) => of(scan)?.isCycling ?? false,
  }
}

/** The states with what is known of the order of each scan. */
export function withOrders(states: ScanStates, { order }: Pick<ScanMemory, 'order'>): ScanStates {
  const known = (scan: Scan): Scan => ({ ...scan, order: order(scan) })
  const { live, background } = states
  return {
    ...states,
    live: { ...live, scan: live.scan === null ? null : known(live.scan) },
    background: background.map(known),
  }
}

/** Pages in a row with nothing but clients that their scan had already returned: then the server returns a cycle. */
const MAX_REPEATED_PAGES = 100

/**
 * Finds a server that returns the same clients again and again under new tokens. In memory only: a restart clears it.
 */
export interface ReturnedClients {
  add(key: ClientKey, content: ContentKey): void
  /** Ends a page; says whether the scan returns a cycle. */
  endPage(): 'fine' | 'cycling'
}

/**
 * A Bloom filter, grown by filters twice as large: 16 bits a client and four hashes, so that one of some 400 is taken
 * for returned.
 */
const FIRST_CLIENTS = 4_096
const BITS_PER_CLIENT = 16
const HASHES = 4

export function returnedClients(): ReturnedClients {
  const filters = [filterOf(FIRST_CLIENTS)]
  let isRepeated = true
  let isEmpty = true
  let repeatedPages = 0
  return {
    add: (key, content) => {
      isEmpty = false
      const first = highWord(key) ^ highWord(content)
      const second = (lowWord(key) ^ lowWord(content)) | 1
      for (const filter of filters) if (has(filter, first, second)) return
      isRepeated = false
      const newest = filters.at(-1) as Filter
      set(newest, first, second)
      newest.free -= 1
      if (newest.free === 0) filters.push(filterOf((newest.bits.length * 32 * 2) / BITS_PER_CLIENT))
    },
    endPage: () => {
      repeatedPages = isEmpty ? repeatedPages : isRepeated ? repeatedPages + 1 : 0
      isRepeated = true
      isEmpty = true
      return repeatedPages >= MAX_REPEATED_PAGES ? 'cycling' : 'fine'
    },
  }
}

interface Filter {
  readonly bits: Uint32Array
  free: number
}

const filterOf = (clients: number): Filter => ({
  bits: new Uint32Array((clients * BITS_PER_CLIENT) / 32),
  free: clients,
})

/** Place of a bit: both halves of the hash, combined. The number of bits is a power of two. */
function place({ bits }: Filter, first: number, second: number, at: number): number {
  return (first + Math.imul(at, second)) & (bits.length * 32 - 1)
}

function has(filter: Filter, first: number, second: number): boolean {
  for (let at = 0; at < HASHES; at += 1) {
    const bit = place(filter, first, second, at)
    if (((filter.bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false
  }
  return true
}

function set(filter: Filter, first: number, second: number): void {
  for (let at = 0; at < HASHES; at += 1) {
    const bit = place(filter, first, second, at)
    filter.bits[bit >>> 5] = (filter.bits[bit >>> 5] as number) | (1 << (bit & 31))
  }
}
