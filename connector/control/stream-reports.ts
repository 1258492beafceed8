import { z } from 'zod'

export const loggedLevels = ['trace', 'debug', 'info', 'warn'] as const
export type LoggedLevel = (typeof loggedLevels)[number]
const loggedLevel = z.object({ level: z.enum(loggedLevels), until: z.number() })

/** What is said of one stream beside the requests: no stream reads or publishes differently because of it. */
export const streamReport = z.object({
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
