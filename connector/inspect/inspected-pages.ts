import { readPages } from '../pipeline/read/page-reader.ts'
import type { PageReading } from '../pipeline/read/page-reading.ts'
import type { Processed, ReaderParts, ReadFrom } from '../pipeline/read/reader-parts.ts'
import { noTimes } from '../scan/scan-order.ts'
import type { ScanSettings } from '../scan/scan-settings.ts'
import type { ClientRecord, ClientSource, Page, ReadArguments } from '../source/client-source.ts'

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

/** Pages of one scan, as far as they were read, whatever they hold. */
export interface Sample {
  readonly pages: readonly Page[]
  readonly clients: readonly ClientRecord[]
  /** Whether the scan was read to its end. */
  readonly isComplete: boolean
  /** What ended the scan early. */
  readonly error: unknown
}

/** Enough to judge the clients, and few enough for the server. */
const SAMPLE_PAGES = 20

/**
 * Reads pages of one scan that `run` might refuse: their clients need no id. Never rejects.
 */
export async function readSample(
  source: ClientSource,
  { at, maxPages = SAMPLE_PAGES }: { at: ReadArguments; maxPages?: number },
  stop: AbortSignal,
): Promise<Sample> {
  const pages: Page[] = []
  const sampleOf = (error?: unknown): Sample => ({
    pages,
    clients: pages.flatMap(({ clients }) => clients),
    isComplete: pages.at(-1)?.hasMoreResults === false,
    error,
  })
  try {
    for (let checkPoint = at.checkPoint; pages.length < maxPages; ) {
      const page = await source.read({ ...at, checkPoint }, stop)
      pages.push(page)
      if (!page.hasMoreResults || page.checkPoint === null) break
      checkPoint = page.checkPoint
    }
    return sampleOf()
  } catch (error) {
    return sampleOf(error)
  }
}
