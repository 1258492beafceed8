import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import type { StreamMapping } from '../event/page-mapping.ts'
import { readPages } from '../pipeline/read/page-reader.ts'
import type { PageReading, ReaderParts } from '../pipeline/read/reader-parts.ts'
import { newScans } from '../scan/scan-state.ts'
import type { VersionedObject } from '../storage/checkpoint-store.ts'

/** What an inspection reads a stream with. */
export interface InspectionReader extends Omit<ReaderParts, 'endsWhen' | 'observe'> {
  /** What the checkpoint knows of the pages of the stream. Null and absent: nothing, or there is none. */
  readonly mapping?: StreamMapping | null
}

/**
 * Yields the pages of the history, as a new stream reads them first, with its guards. Delivers and reports nothing.
 * Rejects with `source.*` or the reason of `stop`.
 */
export async function* inspectedPages(reader: InspectionReader, stop: AbortSignal): AsyncGenerator<PageReading, void> {
  const settings = { ...reader.settings, backfill: 'before', lookBacks: [], fullScan: undefined } as const
  const parts: ReaderParts = { ...reader, settings, endsWhen: 'caught-up', observe: () => {} }
  for await (const page of readPages(parts, { scans: newScans, mapping: reader.mapping ?? null }, stop)) {
    yield page
    if (page.isLast && page.scan.lane === 'history') return
  }
}

/**
 * Resolves to what a stored document knows of the pages of its stream; null if there is none, or if it cannot be read,
 * also because of `stop`. Never rejects: an inspection then goes by what it reads itself.
 */
export async function knownMapping(object: VersionedObject, stop: AbortSignal): Promise<StreamMapping | null> {
  try {
    const stored = await object.read(stop)
    return stored === undefined ? null : parseDocument(stored.text).committed.state.mapping
  } catch {
    return null
  }
}
