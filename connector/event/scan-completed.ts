import { hash } from 'node:crypto'
import type { ValueRecord } from './client-event.ts'
import { structuredHeaders } from './cloud-event/event-form.ts'

export const COMPLETED_TYPE = 'scan.completed'

/** The scans that read all clients since the beginning of the stream. */
const completedScans = ['backfill', 'full', 'republish'] as const

/** A scan that has read all clients since the beginning of its stream. Times in ms since 1970. */
export interface CompletedScan {
  readonly scan: (typeof completedScans)[number]
  /** Its first `lastChanged`. */
  readonly lastChanged: string
  readonly startedAt: number
  readonly endedAt: number
  /** Whether nothing indicates that the source has more clients. */
  readonly confirmed: boolean
  readonly pages: number
  readonly clients: number
  /** The stream's events up to its end. */
  readonly events: number
}

/** Where and when a completed scan is published. */
interface CompletedPlace {
  /** See `eventSource`. */
  readonly source: string
  /** The events topic. */
  readonly topic: string
  /** By partition of the events topic: see `PublisherTransaction`. */
  readonly endOffsets: readonly bigint[]
  /** Of the commit record of its transaction. */
  readonly nonce: string
}

/** The id shows to which transaction the event belongs, also if its commit record is lost. */
export const completedId = (source: string, nonce: string): string =>
  hash('sha256', [source, COMPLETED_TYPE, nonce].join('\u0000'), 'hex').slice(0, 32)

/** A CloudEvent 1.0 in structured JSON mode. The key keeps the last one of each kind in a compacted topic. */
export function scanCompleted(completed: CompletedScan, place: CompletedPlace): ValueRecord {
  const { scan, lastChanged, startedAt, endedAt, confirmed, pages, clients, events } = completed
  const { source, topic, endOffsets, nonce } = place
  const key = `${source}/${scan}`
  const value = JSON.stringify({
    specversion: '1.0',
    type: COMPLETED_TYPE,
    source,
    id: completedId(source, nonce),
    time: timeText(endedAt),
    subject: scan,
    partitionkey: key,
    datacontenttype: 'application/json',
    data: {
      scan,
      lastChanged,
      startedAt: timeText(startedAt),
      endedAt: timeText(endedAt),
      confirmed,
      pages,
      clients,
      events,
      topic,
      endOffsets: endOffsets.map(Number),
    },
  })
  return { to: 'progress', key, value, headers: structuredHeaders(COMPLETED_TYPE, source) }
}

const timeText = (ms: number) => new Date(ms).toISOString()

/** The JSON Schema of the value of a record in the progress topic, from those of attributes that all events have. */
export function completedSchema({ specversion, source }: Readonly<Record<'specversion' | 'source', object>>) {
  const text = (description: string) => ({ description, type: 'string' })
  const count = (description: string) => ({ description, type: 'integer', minimum: 0 })
  const instant = (description: string) => ({ ...text(`${description} UTC.`), format: 'date-time' })
  const data = {
    scan: text(`${completedScans.join(', ')}. More may follow.`),
    lastChanged: text('Clients modified since were read, in the time zone of the Polaris server.'),
    startedAt: instant('When its first response began.'),
    endedAt: instant('When its last page was read.'),
    confirmed: { description: 'False: Polaris may have more clients.', type: 'boolean' },
    pages: count('Pages that it has read.'),
    clients: count('Clients that it has read.'),
    events: count('Events and tombstones of the stream up to its end.'),
    topic: text('The topic of the events.'),
    endOffsets: {
      description:
        'The end offset of each partition of the topic, in the order of the partitions. A committed record of each client that the scan has read is below it, unless a newer record of the client has replaced it since.',
      type: 'array',
      items: { type: 'integer', minimum: 0 },
      minItems: 1,
    },
  }
  const properties = {
    specversion,
    type: { const: COMPLETED_TYPE },
    source,
    id: { description: 'Of its transaction.', type: 'string', pattern: '^[0-9a-f]{32}$' },
    time: instant('As `endedAt`.'),
    subject: text('As `scan`.'),
    partitionkey: text('The key of the record: source/scan.'),
    datacontenttype: { const: 'application/json' },
    data: { type: 'object', required: Object.keys(data), properties: data },
  }
  return { title: 'Completed scan', type: 'object', required: Object.keys(properties), properties }
}
