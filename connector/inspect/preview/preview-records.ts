import * as z from 'zod'
import type { StreamConfig } from '../../config/connector-config.ts'
import { clientRecord, type EventSettings } from '../../event/client-record.ts'
import { mapPage } from '../../event/page-mapping.ts'
import { clientReader, type ReadingRules } from '../../event/read-client.ts'
import { emptyIndex } from '../../index/index-state.ts'
import type { PagesRead } from '../doctor/read-pages.ts'
import { maskedRecord, maskedText } from './masked-json.ts'

/** What `preview --json` prints. */
export const previewShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  since: z.string().describe('`lastChanged` of the request, in the local time of the server'),
  masked: z.boolean().describe('Whether the values of the clients are replaced'),
  records: z
    .array(
      z.strictObject({
        topic: z.string().describe('Topic for events, or for dead letters'),
        key: z.string().nullable().describe('Client id; null in a dead letter without one'),
        value: z.record(z.string(), z.unknown()).describe('The event, or the dead letter'),
      }),
    )
    .describe('The first records as they would be published, in their order'),
})

export type PreviewedRecord = z.output<typeof previewShape>['records'][number]

interface PreviewParts {
  readonly stream: StreamConfig
  readonly rules: ReadingRules
  readonly settings: EventSettings
  /** When the clients were read, in ms since 1970. */
  readonly readAt: number
  readonly isMasked: boolean
  /** Number of records. */
  readonly limit: number
}

/**
 * The records of the first clients, as if nothing was published of them yet. Throws `source.mapping` if none of the
 * clients has an id: `run` would publish nothing.
 */
export function previewRecords(
  { clients, place }: Pick<PagesRead, 'clients' | 'place'>,
  parts: PreviewParts,
): PreviewedRecord[] {
  const { stream, rules, settings, readAt, isMasked, limit } = parts
  const mapped = mapPage({ clients, place }, stream.fields, null)
  if (mapped.kind === 'unproven') throw mapped.error
  if (mapped.kind === 'empty') return []
  const { mapping } = mapped
  const read = clientReader(mapping, rules)
  let sequence = 0
  return clients.slice(0, limit).map((client) => {
    const place = { sequence, readAt, idField: mapping.clientId, previous: `g${emptyIndex.generation}` }
    const { kind, record } = clientRecord(read(client), place, settings)
    if (kind === 'event') sequence += 1
    const { topic } = stream.kafka
    const { key } = record
    const value = JSON.parse(record.value) as Record<string, unknown>
    return {
      topic: topic[record.to],
      key: key !== null && isMasked ? maskedText(key) : key,
      value: isMasked ? maskedRecord(value) : value,
    }
  })
}
