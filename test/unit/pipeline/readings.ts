import type { StreamMapping } from '../../../connector/event/page-mapping.ts'
import type { PageReading } from '../../../connector/pipeline/read/page-reading.ts'
import { newScans, type Scan } from '../../../connector/scan/scan-state.ts'
import type { CheckPoint, ClientRecord, Page } from '../../../connector/source/client-source.ts'
import { at, noon, scanOf } from '../scan/scans.ts'

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
export function reading(clients: readonly ClientRecord[], more: Partial<PageReading> = {}): PageReading {
  return {
    ...{ page: pageOf(clients), scan: liveScan(), states: { ...newScans, begun: 1 }, readAt: at(noon) },
    mapping: mappedTo('No', 'Modif'),
    isLast: true,
    ...more,
  }
}

export const liveScan = (more: Partial<Scan> = {}): Scan => scanOf({ lane: 'live', ...more })

export const token = (text: string) => text as CheckPoint

/** What is known of pages in both formats. */
export function mappedTo(clientId: string, modifiedAt: string | null): StreamMapping {
  const mapping = { path: null, clientId, modifiedAt }
  return { xml: mapping, json: mapping, lists: [] }
}
