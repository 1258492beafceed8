import { restarted } from './begin-scan.ts'
import { CATCH_UP, type Scan, type ScanStates, scanNamed, withoutScan, withScan } from './scan-state.ts'

/** The states after the last page of a scan. Pure. */
export function scanDone(states: ScanStates, scan: Scan): ScanStates {
  const { lane, reachMs, startedAt } = scan
  if (startedAt === null) throw new TypeError('a scan without a response is done')
  const ended = withoutScan(states, scan)
  switch (lane) {
    case 'live':
      return { ...ended, live: { startedAt, scan: null } }
    case 'catch-up':
      return ended
    case 'look-back': {
      const lookBacks = ended.lookBacks.map((one) => (one.reachMs === reachMs ? { ...one, startedAt } : one))
      return { ...ended, lookBacks }
    }
    case 'history':
      return { ...ended, history: { state: 'done', from: null, republished: null, startedAt } }
  }
}

/**
 * The live scan continues as catch-up, and the next one begins where it began. If the lane has a scan already, that one
 * begins again, at the earlier beginning of the two. Pure.
 */
export function handedOver(states: ScanStates, scan: Scan): ScanStates {
  const known = scanNamed(states, CATCH_UP)
  const from = known !== undefined && known.from < scan.from ? known.from : scan.from
  const catchUp = known === undefined ? { ...scan, ...CATCH_UP } : restarted({ ...known, from })
  return withScan({ ...states, live: { startedAt: scan.startedAt, scan: null } }, catchUp)
}
