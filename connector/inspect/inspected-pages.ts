import { readPages } from '../pipeline/read/page-reader.ts'
import type { PageReading } from '../pipeline/read/page-reading.ts'
import type { ReaderParts, ReadFrom } from '../pipeline/read/reader-parts.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'

/** What an inspection reads a stream with. */
export type InspectionReader = Omit<ReaderParts, 'until' | 'observe'>

export interface InspectedFrom extends ReadFrom {
  readonly maxPages?: number
}

/**
 * The pages that `run` would read next, with its scans and guards, until it has caught up or `maxPages` are
 * read. Delivers and reports nothing. Rejects with `source.*` or the reason of `stop`.
 */
export async function* inspectedPages(
  reader: InspectionReader,
  { maxPages = Number.POSITIVE_INFINITY, ...from }: InspectedFrom,
  stop: AbortSignal,
): AsyncGenerator<PageReading, void> {
  const parts: ReaderParts = { ...reader, until: 'caught-up', observe: () => {} }
  let pages = 0
  for await (const page of readPages(parts, from, stop)) {
    yield page
    pages += 1
    if (pages >= maxPages) return
  }
}

/** One history, then one live scan. */
export function onceThrough(settings: ScanSettings): ScanSettings {
  return { ...settings, backfill: 'before', lookBacks: [], fullScan: undefined }
}
