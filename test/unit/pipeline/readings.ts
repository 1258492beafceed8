import type { StreamMapping } from '../../../connector/event/page-mapping.ts'
import { clientReader, type ReadingRules } from '../../../connector/event/read-client.ts'
import type { PageReading } from '../../../connector/pipeline/read/reader-parts.ts'
import { newScans, type Scan } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, ClientRecord, Page } from '../../../connector/source/client-source.ts'
import { at, noon, scanOf } from '../scan/scans.ts'
import { rules as noRules } from '../stream/open/open-parts.ts'

/** Test pages as the reader returns them. */

export { noon }

export function pageOf(clients: readonly ClientRecord[], more: Partial<Page> = {}): Page {
  return {
    clients: [...clients],
    hasMoreResults: false,
    checkPoint: null,
    serverTime: noon,
    tookMs: 0,
    bytes: 10,
    ...more,
  }
}

/** The only page of a live scan that began at noon, asked for just now, unless `more` changes that. */
export function reading(clients: readonly ClientRecord[], { rules = noRules, ...more }: ReadingOf = {}): PageReading {
  const { scan = liveScan(), mapping = mappedTo('No', 'Modif') } = more
  const fields = mapping[scan.output]
  return {
    clients: fields === null ? [] : clients.map(clientReader(fields, mapping.lists, rules)),
    scan,
    scans: { ...newScans, lastScanNumber: 1 },
    readAt: at(noon),
    mapping,
    isLast: true,
    ...more,
  }
}

export interface ReadingOf extends Partial<Omit<PageReading, 'clients'>> {
  readonly rules?: ReadingRules
}

export const liveScan = (more: Partial<Scan> = {}): Scan => scanOf({ lane: 'live', ...more })

export const token = (text: string) => text as CheckPoint

/** What is known of pages in both formats. */
export function mappedTo(clientId: string, modifiedAt: string | null): StreamMapping {
  const mapping = { path: null, clientId, modifiedAt, matched: [] }
  return { xml: mapping, json: mapping, lists: [] }
}
