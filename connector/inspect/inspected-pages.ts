import { readPages } from '../pipeline/read/page-reader.ts'
import type { PageReading, ReaderParts } from '../pipeline/read/reader-parts.ts'
import { newScans } from '../scan/scan-state.ts'

/** What an inspection reads a stream with. */
export type InspectionReader = Omit<ReaderParts, 'endsWhen' | 'observe'>

/**
 * Yields the pages of the history, as a new stream reads them first, with its guards. Delivers and reports nothing.
 * Rejects with `source.*` or the reason of `stop`.
 */
export async function* inspectedPages(reader: InspectionReader, stop: AbortSignal): AsyncGenerator<PageReading, void> {
  const settings = { ...reader.settings, backfill: 'before', lookBacks: [], fullScan: undefined } as const
  const parts: ReaderParts = { ...reader, settings, endsWhen: 'caught-up', observe: () => {} }
  for await (const page of readPages(parts, { scans: newScans, mapping: null }, stop)) {
    yield page
    if (page.isLast && page.scan.lane === 'history') return
  }
}
