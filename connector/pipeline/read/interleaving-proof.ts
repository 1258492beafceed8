import { serially } from '../../scan/begin-again.ts'
import { LIVE, type Scan, type ScanStates, type ScanTag } from '../../scan/scan-state.ts'
import type { ClientRecord, ClientSource, Page } from '../../source/client-source.ts'
import { readOnce } from '../../source/read-page.ts'
import type { Observe } from '../pipeline-event.ts'

/** Finds out, once for a server, whether it keeps two scans of one caller apart. */
export interface InterleavingProof {
  /**
   * Before a page of `scan`: if a live scan was read since its last page, reads that page again. Other clients mean
   * that scans must run one after the other; then all begin again. Returns the states. Rejects as a read does.
   */
  before(scan: Scan, states: ScanStates, stop: AbortSignal): Promise<ScanStates>
  /** After each page. */
  read(scan: Scan, page: Page): void
  /** After a refused token: if tokens are refused again and again, and only when interleaved, scans run serially. */
  refused(scan: Scan, states: ScanStates): ScanStates
}

const MAX_INTERLEAVED_REFUSALS = 3

export function interleavingProof({ source, observe }: { source: ClientSource; observe: Observe }): InterleavingProof {
  /** The last background page that was read with a token. */
  let last: { readonly scan: Scan; readonly clients: readonly ClientRecord[] } | undefined
  let lastTag: ScanTag | undefined
  let isSought = true
  let refusals = 0

  const serial = (states: ScanStates): ScanStates => {
    observe({ kind: 'scans-not-interleaved' })
    return serially(states)
  }
  return {
    before: async (scan, states, stop) => {
      isSought = states.interleaving === 'unknown'
      if (!isSought) last = undefined
      if (last?.scan.tag !== scan.tag || lastTag !== LIVE) return states
      const { scan: at, clients } = last
      last = undefined
      const page = await readOnce(source, at, stop)
      if (page === undefined) return states
      const before = new Set(clients.map((client) => JSON.stringify(client)))
      const same = page.clients.filter((client) => before.has(JSON.stringify(client))).length
      // A client may have changed meanwhile.
      if (same * 2 >= before.size) return { ...states, interleaving: 'proven' }
      return serial(states)
    },
    read: (scan, { clients }) => {
      lastTag = scan.tag
      if (!isSought || scan.tag === LIVE || scan.checkPoint === null || clients.length === 0) return
      last = { scan, clients: [...clients] }
    },
    refused: (scan, states) => {
      refusals = lastTag === scan.tag ? 0 : refusals + 1
      return refusals >= MAX_INTERLEAVED_REFUSALS && states.interleaving !== 'serial' ? serial(states) : states
    },
  }
}
