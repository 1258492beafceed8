import { z } from 'zod'
import type { ErrorCode } from '../runtime/error-catalogue.ts'

/** What a replica reports of a stream that it cannot run as it should. Times in milliseconds since 1970. */
const trouble = z.object({
  /** As `/status` names it. */
  state: z.string(),
  code: z.string().nullable(),
  since: z.number(),
  /** The name of the replica. */
  by: z.string(),
})

/** What processes report of one stream, for operators only: no stream runs differently because of it. */
export const streamReport = z.object({ trouble: trouble.optional() })

/** A document with reports, by the names of the streams. */
interface Reported {
  readonly streams: Readonly<Record<string, z.infer<typeof streamReport>>>
}
type StoredTrouble = z.infer<typeof trouble>

/** Why a stream of this replica needs attention. */
export interface Trouble {
  readonly state: string
  readonly code: ErrorCode | null
  readonly since: number
}

/** Of each stream that is assigned to this replica; `none`: it needs no attention. */
export type Troubles = ReadonlyMap<string, Trouble | 'none'>

/** Records what a replica knows of its streams; undefined if the document says so already. Pure. */
export function withTroubles<Document extends Reported>(
  document: Document,
  troubles: Troubles,
  by: string,
): Document | undefined {
  const streams = { ...document.streams }
  let hasChanged = false
  for (const [stream, trouble] of troubles) {
    const { trouble: known, ...report } = streams[stream] ?? {}
    if (isKnown(known, trouble, by)) continue
    streams[stream] = trouble === 'none' ? report : { ...report, trouble: { ...trouble, by } }
    hasChanged = true
  }
  return hasChanged ? { ...document, streams } : undefined
}

function isKnown(known: StoredTrouble | undefined, trouble: Trouble | 'none', by: string): boolean {
  if (trouble === 'none' || known === undefined) return trouble === 'none' && known === undefined
  return known.by === by && known.state === trouble.state && known.code === trouble.code
}
