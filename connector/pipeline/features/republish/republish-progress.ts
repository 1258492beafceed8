import type { StreamState } from '../../../checkpoint/stream-state.ts'
import type { RepublishProgress } from '../../../control/stream-requests.ts'
import { REPUBLISH, type Scan, scanWith } from '../../../scan/scan-state.ts'
import { shareDone } from '../../../scan/share-done.ts'
import type { SourceTime } from '../../../source/client-source.ts'

interface ProgressParts {
  /** Clients in the client index. */
  readonly indexed: number
  readonly beginAt: SourceTime
  /** Milliseconds since 1970. */
  readonly now: number
  readonly timeZone: string
}

/** How far a stream has come with publishing again; undefined: it does not. Pure. */
export function republishProgress(
  { scans, republished }: Pick<StreamState, 'scans' | 'republished'>,
  parts: ProgressParts,
): RepublishProgress | undefined {
  const scan = scanWith(scans, REPUBLISH)
  if (scan === undefined || republished === null) return undefined
  const { id, published, changed } = republished
  return { id, published, changed, clients: scan.clients, share: shareRead(scan, parts) }
}

/** The index has about as many clients as the whole history; of a part of it, only the times of clients tell. */
function shareRead(scan: Scan, { indexed, beginAt, now, timeZone }: ProgressParts): number | null {
  if (scan.from <= beginAt) return indexed === 0 ? null : Math.min(1, scan.clients / indexed)
  return shareDone(scan, now, timeZone) ?? null
}
