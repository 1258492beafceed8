import { readPages } from '../../pipeline/read/page-reader.ts'
import type { ReaderParts, ReadFrom } from '../../pipeline/read/reader-parts.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { noTimes } from '../../scan/scan-order.ts'
import type { ScanStates } from '../../scan/scan-state.ts'

/** Live scans as often as possible: the first one between two pages is the proof. */
const INTERVAL_MS = 1

const nothingProcessed = {
  events: () => 0,
  recheck: () => null,
  order: () => noTimes,
  isCycling: () => false,
}

/**
 * Reads the first pages, with live scans between them, until it is known whether the server keeps two scans of one caller
 * apart. `unknown`: there are too few pages. Rejects as a read does, and with `command.invalid` if it does not.
 */
export async function proveInterleaving(
  reader: Omit<ReaderParts, 'until' | 'observe'>,
  from: Pick<ReadFrom, 'states' | 'mapping'>,
  stop: AbortSignal,
): Promise<ScanStates['interleaving']> {
  const settings = { ...reader.settings, intervalMs: INTERVAL_MS, backfill: 'beside' as const }
  const parts = { ...reader, settings, until: 'caught-up' as const, observe: () => {} }
  for await (const page of readPages(parts, { ...from, processed: nothingProcessed }, stop)) {
    const { interleaving } = page.states
    if (interleaving === 'serial') throw serialServer()
    if (interleaving === 'proven') return interleaving
  }
  return 'unknown'
}

/** The error for a server that mixes up two scans of one caller. */
export function serialServer(): ConnectorError {
  return new ConnectorError(
    'command.invalid',
    'audit: the server mixes up two scans of one caller, so an audit would disturb the running stream: pause the stream first, and resume it afterwards',
  )
}
