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

export const loggedLevels = ['trace', 'debug', 'info', 'warn'] as const
export type LoggedLevel = (typeof loggedLevels)[number]
const loggedLevel = z.object({ level: z.enum(loggedLevels), until: z.number() })

/** What is said of one stream beside the requests: no stream reads or publishes differently because of it. */
export const streamReport = z.object({
  trouble: trouble.optional(),
  /** The level of its log lines, as an operator wants it for a while. */
  log: loggedLevel.optional(),
  /** The last audit that was recorded. */
  audit: z.object({ at: z.number(), differences: z.number().int().nonnegative() }).optional(),
})
type StreamReport = z.infer<typeof streamReport>
export type StreamReports = Readonly<Record<string, StreamReport>>

/** The log levels that operators want, by stream. */
export type LogLevels = ReadonlyMap<string, z.infer<typeof loggedLevel>>

/** A document with reports, by the names of the streams. */
interface Reported {
  readonly streams: StreamReports
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

/** Pure. */
export function withAudit<Document extends Reported>(
  document: Document,
  stream: string,
  audit: StreamReport['audit'],
): Document {
  return { ...document, streams: { ...document.streams, [stream]: { ...document.streams[stream], audit } } }
}

/** Pure. */
export function logLevelsIn(streams: StreamReports): LogLevels {
  return new Map(Object.entries(streams).flatMap(([stream, { log }]) => (log === undefined ? [] : [[stream, log]])))
}

/** `wanted`: undefined for the configured level. Pure. */
export function withLogLevel<Document extends Reported>(
  document: Document,
  stream: string,
  wanted: z.infer<typeof loggedLevel> | undefined,
): Document {
  const { log: _, ...report } = document.streams[stream] ?? {}
  const next = wanted === undefined ? report : { ...report, log: wanted }
  return { ...document, streams: { ...document.streams, [stream]: next } }
}
