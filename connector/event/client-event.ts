import { hash } from 'node:crypto'
import type { ReadArguments } from '../source/client-source.ts'

/** What one event is made of. */
export interface ClientEventParts {
  /** See `eventSource`. */
  readonly source: string
  readonly clientId: string
  /** The client's canonical JSON. */
  readonly json: string
  readonly contentHash: string
  /** The modification time as the source wrote it, if it is mapped and there. */
  readonly modifiedAt: string | undefined
  /** The arguments that brought the client. */
  readonly readWith: ReadArguments
  /** Milliseconds since 1970: the modification time, else the read time. */
  readonly timeMs: number
  /** How many events the stream had before this one. */
  readonly sequence: number
}

/** The `source` of a stream's events. */
export const eventSource = (connector: string, stream: string) => `/polaris/${connector}/${stream}`

export const EVENT_TYPE = 'client.modified'
export const DATA_SCHEMA = 'urn:polaris-connector:client.modified:1'
const SEQUENCE_DIGITS = 20

/** Invariant 7: the same change read again has the same id: by its modification time, else by the resume point that brought it. */
export function eventId(parts: ClientEventParts): string {
  const change = parts.modifiedAt ?? `${parts.readWith.lastChanged}\u0000${parts.readWith.checkPoint ?? ''}`
  return hash('sha256', `${parts.source}\u0000${parts.clientId}\u0000${parts.contentHash}\u0000${change}`, 'hex').slice(
    0,
    32,
  )
}

/** The CloudEvent 1.0 in structured JSON. Pure. */
export function clientEvent(parts: ClientEventParts): string {
  const subject = JSON.stringify(parts.clientId)
  return (
    `{"specversion":"1.0","type":"${EVENT_TYPE}","source":${JSON.stringify(parts.source)},"id":"${eventId(parts)}",` +
    `"time":"${new Date(parts.timeMs).toISOString()}","subject":${subject},` +
    `"sequence":"${String(parts.sequence).padStart(SEQUENCE_DIGITS, '0')}","partitionkey":${subject},` +
    `"datacontenttype":"application/json","dataschema":"${DATA_SCHEMA}","data":${parts.json}}`
  )
}

/** The number of an event; undefined when the text is not an event of the source. */
export function sequenceOf(text: string, source: string): number | undefined {
  try {
    const event: unknown = JSON.parse(text)
    if (typeof event !== 'object' || event === null || !('source' in event) || !('sequence' in event)) return undefined
    return event.source === source ? Number(event.sequence) : undefined
  } catch {
    return undefined
  }
}
