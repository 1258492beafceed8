import type { ReadClient } from '../../event/read-client.ts'
import { type OrderWatch, orderWatch, type ScanOrder } from '../../scan/scan-order.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import type { Scan, ScanStates } from '../../scan/scan-state.ts'
import { type ReturnedClients, returnedClients } from './returned-clients.ts'

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
  /** Counts a late change with a known delay. Returns how many the scan has found. */
  foundLate(scan: ScanRun): number
}

/** A scan since it began at its start. */
export type ScanRun = Pick<Scan, 'ordinal' | 'restarts' | 'order' | 'startedAt'>

interface Remembered {
  readonly restarts: number
  readonly order: OrderWatch
  returned: ReturnedClients
  isCycling: boolean
  late: number
}

/** `states`: the scans in progress that are resumed. */
export function scanMemory(states: ScanStates, settings: Pick<ScanSettings, 'timeZone' | 'overlapMs'>): ScanMemory {
  const byOrdinal = new Map<number, Remembered>()
  const begin = ({ ordinal, restarts, order }: ScanRun) => {
    const watch = orderWatch(order, settings)
    const remembered = { restarts, order: watch, returned: returnedClients(), isCycling: false, late: 0 }
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
    foundLate: (scan) => {
      const remembered = ofOrNew(scan)
      remembered.late += 1
      return remembered.late
    },
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
