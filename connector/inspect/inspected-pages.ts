import { readPages } from '../pipeline/read/page-reader.ts'
import type { PageReading } from '../pipeline/read/page-reading.ts'
import type { Processed, ReaderParts, ReadFrom } from '../pipeline/read/reader-parts.ts'
import { noTimes } from '../scan/scan-order.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'

/** What an inspection reads a stream with. */
export type InspectionReader = Omit<ReaderParts, 'until' | 'observe'>

export interface InspectedFrom extends Pick<ReadFrom, 'states' | 'mapping'> {
  /** What the inspection finds in the pages; by default nothing. */
  readonly processed?: Partial<Processed>
  readonly maxPages?: number
}

const nothingFound: Processed = {
  recheck: () => null,
  order: () => noTimes,
  changes: () => 0,
  isCycling: () => false,
}

/**
 * The pages that `run` would read next, with its scans, guards and proofs, until it has caught up or `maxPages` are
 * read. Delivers and reports nothing. Rejects with `source.*` or the reason of `stop`.
 */
export async function* inspectedPages(
  reader: InspectionReader,
  { states, mapping, processed, maxPages = Number.POSITIVE_INFINITY }: InspectedFrom,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  const parts: ReaderParts = { ...reader, until: 'caught-up', observe: () => {} }
  let pages = 0
  for await (const page of readPages(parts, { states, mapping, processed: { ...nothingFound, ...processed } }, stop)) {
    yield page
    pages += 1
    if (pages >= maxPages) return
  }
}

/** One backfill, then one live scan. */
export function onceThrough(settings: ScanSettings): ScanSettings {
  return { ...settings, backfill: 'before', lookBacks: [], fullScan: undefined }
}
