import type { TimeWatch } from '../../event/modification-time.ts'
import type { StreamMapping } from '../../event/page-mapping.ts'
import { assertNever } from '../../runtime/assert-never.ts'
import { ConnectorError, codeOf } from '../../runtime/connector-error.ts'
import { afterFailure, afterRefusal, afterStuck, afterTooMuch, keepsToken } from '../../scan/begin-again.ts'
import { isBackfillFirst } from '../../scan/scan-settings.ts'
import { LIVE, type Scan, type ScanStates, type ScanTag, scanWith, withScan } from '../../scan/scan-state.ts'
import type { ReadMode } from '../../source/recovery/after-failed-read.ts'
import type { PageRead } from '../../source/recovery/read-page.ts'
import type { InterleavingProof } from './interleaving-proof.ts'
import type { Processed, ReaderParts, ReadFrom } from './reader-parts.ts'
import type { WorkloadLog } from './workload.ts'

/** The state of a reader. */
export interface Reader extends ReaderParts {
  readonly processed: Processed
  readonly parts: NonNullable<ReadFrom['parts']>
  /** The requested scans whose pages are all read; they may not be processed yet. */
  readonly readRequests: Set<string>
  readonly load: WorkloadLog
  readonly proof: InterleavingProof
  states: ScanStates
  mapping: StreamMapping
  readonly times: TimeWatch
  /** Until a client has a valid id: the clients without one on the page that each scan cannot pass. */
  readonly withoutId: Map<ScanTag, number>
  /** Start of the live scan in progress, by the monotonic clock. */
  liveBeganAt: number
  liveScans: number
  /** Whether the stream has ever read a page from this address of the source. */
  hasReadPages: boolean
}

/** A background scan in trouble never stops the live one. */
function mayPause({ until, settings, states }: Reader, { tag }: Scan): boolean {
  return tag !== LIVE && until === 'stopped' && !isBackfillFirst(states, settings)
}

/** How a page of the scan is read. A stream that has never read a page from this server may be configured wrongly. */
export function modeOf(reader: Reader, scan: Scan): ReadMode {
  const { states, hasReadPages } = reader
  if (!mayPause(reader, scan))
    return { patience: hasReadPages ? 'retry' : 'unproven', asksNothingElse: isOnly(scan, states) }
  return {
    patience: 'once',
    keepsToken: keepsToken(scan, states),
    asksNothingElse: isOnly(scan, states),
    pausesFirst: scan.failures === 0,
  }
}

/** Whether another request may end the scan. */
const isOnly = ({ checkPoint }: Scan, { interleaving }: ScanStates) => checkPoint !== null && interleaving !== 'proven'

/** What follows for a scan whose page could not be read. */
export function unread(reader: Reader, scan: Scan, read: Exclude<PageRead, { kind: 'page' }>): undefined {
  switch (read.kind) {
    case 'again':
      return undefined
    case 'too-much':
      return tooMuch(reader, scan, read.error)
    case 'token-refused':
      return refused(reader, scan, read.error)
    case 'failed':
      return failed(reader, scan, read.error)
    default:
      return assertNever(read)
  }
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

/** Begins the scan again with smaller pages. */
function tooMuch(reader: Reader, scan: Scan, error: unknown): undefined {
  const times = reader.serverClock.times()
  const states = afterTooMuch(reader.states, scan, { ...reader, times })
  const again = scanWith(states, scan.tag) ?? scan
  // Background pages that take too long delay live scans.
  const notBefore = mayPause(reader, scan) ? times.ours + PAUSE_MS : scan.notBefore
  reader.states = withScan(states, { ...again, notBefore })
  reader.observe({ kind: 'limit-lowered', scan: scan.kind, failedLimit: scan.limit, limit: again.limit, error })
}

const PAUSE_MS = 60_000
const REFUSALS_WITHOUT_PROGRESS = 3

/**
 * Begins the scan again without its token. After too many refusals, a background scan pauses first; any other one throws
 * `source.checkpoint-refused`.
 */
function refused(reader: Reader, scan: Scan, error: ConnectorError): undefined {
  const { settings, serverClock, observe, proof } = reader
  const again = afterRefusal(scan, settings, serverClock.times())
  const more = again.refusals - REFUSALS_WITHOUT_PROGRESS
  if (more > 0) {
    const message = `read page: the server refused its own checkPoint ${again.refusals} times in a row: ${error.message}`
    return failed(reader, { ...again, failures: more - 1 }, new ConnectorError('source.checkpoint-refused', message))
  }
  observe({ kind: 'checkpoint-refused', scan: scan.kind, lastChanged: again.lastChanged, error })
  reader.states = proof.refused(scan, withScan(reader.states, again))
}

/** Begins the scan again with larger pages. Throws `source.stuck` if that has not helped any but a background scan. */
export function stuck(reader: Reader, scan: Scan, why: string): undefined {
  const { clock, observe } = reader
  const again = afterStuck(scan, reader.states, clock.now())
  if (!mayPause(reader, scan) && scan.restarts > 0 && again.limit <= scan.limit)
    throw new ConnectorError('source.stuck', `read page: hasMoreResults is true, but ${why}`)
  reader.states = withScan(reader.states, again)
  observe({ kind: 'scan-stuck', scan: scan.kind, why, limit: again.limit })
}
