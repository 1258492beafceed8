import type { StreamMapping } from '../../event/page-mapping.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { afterFailure, afterRefusal, afterStuck, keepsToken } from '../../scan/begin-again.ts'
import { isBackfillFirst } from '../../scan/scan-settings.ts'
import { LIVE, type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import type { ReadMode } from '../../source/read-page.ts'
import type { InterleavingProof } from './interleaving-proof.ts'
import type { Processed, ReaderParts } from './reader-parts.ts'
import type { WorkloadLog } from './workload.ts'

/** The state of a reader. */
export interface Reader extends ReaderParts {
  readonly processed: Processed
  readonly load: WorkloadLog
  readonly proof: InterleavingProof
  states: ScanStates
  mapping: StreamMapping
  /** Start of the live scan in progress, by the monotonic clock. */
  liveBeganAt: number
  liveScans: number
}

/** A background scan in trouble never stops the live one. */
function mayPause({ until, settings, states }: Reader, { tag }: Scan): boolean {
  return tag !== LIVE && until === 'stopped' && !isBackfillFirst(states, settings)
}

/** How a page of the scan is read: of the background once in its turn, all others are retried where they failed. */
export function modeOf(reader: Reader, scan: Scan): ReadMode {
  if (!mayPause(reader, scan)) return { tries: { kind: 'in-place' } }
  return { tries: { kind: 'once', failures: scan.failures }, keepsToken: keepsToken(scan, reader.states) }
}

/**
 * Pauses a background scan whose page could not be read. Throws the error for any other scan, and if no scan can find
 * the clients.
 */
export function failed(reader: Reader, scan: Scan, error: unknown): undefined {
  if (!(error instanceof ConnectorError) || !mayPause(reader, scan)) throw error
  if (error.code === 'source.mapping' && reader.mapping[scan.output] === null) throw error
  const times = reader.serverClock.times()
  reader.states = withScan(reader.states, afterFailure(scan, reader.states, { ...reader, times }))
  reader.observe({ kind: 'scan-paused', scan: scan.kind, code: codeOf(error), error })
}

const REFUSALS_WITHOUT_PROGRESS = 3

/**
 * Begins the scan again without its token. After too many refusals, a background scan pauses first; any other one throws
 * `source.stuck`.
 */
export function refused(reader: Reader, scan: Scan, error: ConnectorError): undefined {
  const { settings, serverClock, observe, proof } = reader
  const again = afterRefusal(scan, settings, serverClock.times())
  const more = again.refusals - REFUSALS_WITHOUT_PROGRESS
  if (more > 0) {
    const message = `read page: the server refused its own checkPoint ${again.refusals} times in a row: ${error.message}`
    return failed(reader, { ...again, failures: more - 1 }, new ConnectorError('source.stuck', message))
  }
  observe({ kind: 'checkpoint-refused', scan: scan.kind, lastChanged: again.lastChanged, error })
  reader.states = proof.refused(scan, withScan(reader.states, again))
}

/** Begins the scan again. Throws `source.stuck` if that has not helped any but a background scan. */
export function stuck(reader: Reader, scan: Scan, why: string): undefined {
  const { clock, observe } = reader
  if (!mayPause(reader, scan) && scan.restarts > 0)
    throw new ConnectorError('source.stuck', `read page: hasMoreResults is true, but ${why}`)
  reader.states = withScan(reader.states, afterStuck(scan, clock.now()))
  observe({ kind: 'scan-stuck', scan: scan.kind, why })
}
