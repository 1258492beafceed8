import type { SourceTime } from '../source/client-source.ts'
import { REQUESTED, type Scan, type ScanRequest, type ScanStates, scanWith, withoutScan } from './scan-state.ts'

/** A scan that an operator requests, and that no other one stands for. */
export interface RequestedScan extends ScanRequest {
  /** Reads the clients modified since; null: from the configured beginning of the stream. */
  readonly from: SourceTime | null
  /** Called when it begins. */
  onBegin(from: SourceTime): void
}

/**
 * After a page: the next one waits until as many clients a second were read as the request allows. A server that mixes
 * up scans makes live scans wait for this one, which then makes no pauses. Pure.
 */
export function paced(scan: Scan, clients: number, states: Pick<ScanStates, 'interleaving'>, ours: number): Scan {
  const maxPerSecond = scan.request?.maxPerSecond
  if (maxPerSecond == null || states.interleaving !== 'proven') return scan
  return { ...scan, notBefore: ours + (clients / maxPerSecond) * 1000 }
}

/** Without the requested scan if its request has ended: cancelled, or all that it names was found. Pure. */
export function withoutUnwanted(states: ScanStates, isWanted: (request: string) => boolean): ScanStates {
  const request = scanWith(states, REQUESTED)?.request
  return request == null || isWanted(request.id) ? states : withoutScan(states, REQUESTED)
}
