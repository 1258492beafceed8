import type { SourceTime } from '../source/client-source.ts'
import { REPUBLISH, type Republish, type Scan, type ScanStates, scanWith, withoutScan } from './scan-state.ts'

/** The scan that publishes clients again. All are pure. */

/** An operator requests that unchanged clients be published again. */
export interface Republication extends Republish {
  /** Reads the clients modified since; null: from the configured beginning of the stream. */
  readonly from: SourceTime | null
  readonly requestedBy: string
}

/**
 * After a page: the next one waits until as many clients a second were read as the request allows. A server that mixes
 * up scans makes live scans wait for this one, which then makes no pauses.
 */
export function paced(scan: Scan, clients: number, states: Pick<ScanStates, 'interleaving'>, ours: number): Scan {
  const wanted = scan.republish?.wanted
  if (wanted?.kind !== 'all' || states.interleaving !== 'proven') return scan
  return { ...scan, notBefore: ours + (clients / wanted.maxPerSecond) * 1000 }
}

/** Without the scan if its request has ended: cancelled, or all clients that it names were found. */
export function withoutEnded(states: ScanStates, hasEnded: (id: string) => boolean): ScanStates {
  const id = scanWith(states, REPUBLISH)?.republish?.id
  return id !== undefined && hasEnded(id) ? withoutScan(states, REPUBLISH) : states
}

/** The request that a scan is to begin with: the oldest one, unless the scan of another is in progress. */
export function nextRepublication(
  states: ScanStates,
  open: readonly Republication[],
  hasEnded: (id: string) => boolean,
): Republication | undefined {
  return scanWith(states, REPUBLISH) === undefined ? open.find(({ id }) => !hasEnded(id)) : undefined
}
