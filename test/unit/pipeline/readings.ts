import type { ResumePoint } from '../../../connector/checkpoint/stream-state.ts'
import type { PageReading } from '../../../connector/pipeline/page-reader.ts'
import type { CheckPoint, ClientRecord, Page, SourceTime } from '../../../connector/source/client-source.ts'

/** Pages as the reader gives them, to test with. */

/** Noon in Paris, in June. */
export const noon = Date.parse('2026-06-15T10:00:00Z')

export function resumePoint(more: Partial<ResumePoint> = {}): ResumePoint {
  return {
    lastChanged: '2026-06-15T11:00:00' as SourceTime,
    checkPoint: null,
    limit: 100,
    output: 'json',
    drain: 'open',
    startedAt: noon,
    lastModifiedAt: null,
    ...more,
  }
}

export function pageOf(clients: readonly ClientRecord[], more: Partial<Page> = {}): Page {
  return { clients, hasMoreResults: false, checkPoint: null, serverTime: noon, tookMs: 0, bytes: 10, ...more }
}

/** The only page of a drain, unless told otherwise. */
export function reading(clients: readonly ClientRecord[], more: Partial<PageReading> = {}): PageReading {
  return {
    kind: 'page',
    page: pageOf(clients),
    at: resumePoint(),
    next: resumePoint({ drain: 'due' }),
    beginsDrain: true,
    isLastOfDrain: true,
    freezeFrom: undefined,
    readAt: noon,
    previousStartedAt: null,
    ...more,
  }
}

export const token = (text: string) => text as CheckPoint
