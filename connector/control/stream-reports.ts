import { z } from 'zod'

/** What is said of one stream beside the requests: no stream reads or publishes differently because of it. */
export const streamReport = z.object({
  /** The last audit that was recorded. */
  audit: z.object({ at: z.number(), differences: z.number().int().nonnegative() }).optional(),
})
type StreamReport = z.infer<typeof streamReport>
export type StreamReports = Readonly<Record<string, StreamReport>>

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
