import { type ClientStore, fromTime, type Place } from './clients/client-store.ts'
import type { ServerOrder } from './listed.ts'
import type { Paging } from './paging.ts'
import type { Token } from './token.ts'
import type { WallText } from './wall-clock.ts'

export interface ScanOptions {
  /** Whether each page shows clients as they are (`live`), or as they were at the first page of its scan (`frozen`). */
  readonly view: 'live' | 'frozen'
  /** Number of scans that a server with frozen views keeps open; it refuses the tokens of the least recently used. */
  readonly openScans: number
  readonly paging: Paging
  readonly order: ServerOrder
  /**
   * A token when another scan has begun since: valid (`continue`), refused (`refuse`), or continuing the newest scan
   * instead of its own (`other-clients`).
   */
  readonly outdated: 'continue' | 'refuse' | 'other-clients'
}

export const DEFAULT_SCANS: ScanOptions = {
  view: 'live',
  openScans: 100,
  paging: 'client',
  order: 'oldest-first',
  outdated: 'continue',
}

/** A scan at one of its pages. */
export interface ScanPage {
  /** Number of the scan, from 1. */
  readonly scan: number
  readonly from: Place
  /** The snapshot that the page shows; undefined: clients as they are now. */
  readonly asOf: number | undefined
}

/** The scans of all callers, which may be interleaved. */
export interface Scans {
  begin(lastChanged: WallText): ScanPage
  /** Undefined if the token is refused. */
  resume(token: Token): ScanPage | undefined
  /** Called with the place where the next page of a scan begins. */
  served(scan: number, next: Place): void
}

export function openScans(store: Pick<ClientStore, 'snapshot'>, options: () => ScanOptions): Scans {
  /** Snapshots by scan; the least recently used scan comes first. */
  const snapshots = new Map<number, number>()
  let newest: { scan: number; next: Place } = { scan: 0, next: fromTime('') }
  const use = (used: number, snapshot: number) => {
    snapshots.delete(used)
    snapshots.set(used, snapshot)
    for (const oldest of snapshots.keys()) if (snapshots.size > options().openScans) snapshots.delete(oldest)
  }
  return {
    begin: (lastChanged) => {
      const [scan, from, snapshot] = [newest.scan + 1, fromTime(lastChanged), store.snapshot()]
      newest = { scan, next: from }
      use(scan, snapshot)
      return { scan, from, asOf: options().view === 'frozen' ? snapshot : undefined }
    },
    resume: (token) => {
      const { view, outdated } = options()
      const isOutdated = token.scan !== newest.scan && outdated !== 'continue'
      if (isOutdated && outdated === 'refuse') return undefined
      const { scan, from } = isOutdated ? { scan: newest.scan, from: newest.next } : { scan: token.scan, from: token }
      if (view === 'live') return { scan, from, asOf: undefined }
      const asOf = snapshots.get(scan)
      if (asOf === undefined) return undefined
      use(scan, asOf)
      return { scan, from, asOf }
    },
    served: (scan, next) => {
      if (scan === newest.scan) newest = { scan, next }
    },
  }
}
