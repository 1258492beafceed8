import * as z from 'zod'
import type { AuditResult } from '../../inspect/audit/audit-stream.ts'
import { countDiffering, type Difference, differences as kinds } from '../../inspect/audit/compare.ts'
import type { PlacedRecord } from '../../inspect/audit/topic-clients.ts'
import type { Screen } from './screen.ts'
import { counted, isoTime, table, tookText } from './text.ts'

/** Limit of every list of client ids. */
export const MAX_IDS = 1_000

/** The differences whose clients can be named: what is missing and what is different has one cure. */
export const namedKinds = ['missing', 'gone'] as const
export type NamedKind = (typeof namedKinds)[number]

const placeShape = z.strictObject({
  topic: z.string().describe('Name of the topic'),
  partition: z.int().describe('Partition'),
  offset: z.string().describe('Offset, as text'),
  kind: z.enum(['event', 'tombstone', 'foreign', 'dead-letter']).describe('`foreign`: of another writer'),
  time: z.iso.datetime().describe('Time of the record'),
})

/** What `audit --json` prints. */
export const auditShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  agree: z.boolean().describe('Whether there is no difference'),
  clients: z
    .strictObject({
      source: z.int().describe('In the source, with an id'),
      deadLetters: z.int().describe('Of those, dead letters'),
      topic: z.int().describe('In the topic: their last record is no tombstone'),
    })
    .describe('How many clients there are'),
  differences: z
    .strictObject({
      missing: z.int().describe('In the source, but not in the topic'),
      different: z.int().describe('In the topic with other content, or with a last record of another writer'),
      gone: z.int().describe('In the topic, but no longer in the source'),
    })
    .describe('How many clients differ'),
  ids: z.array(z.string()).readonly().optional().describe(`With \`--ids\`: the first ${MAX_IDS}. Personal data`),
  client: z
    .strictObject({
      isNothingLeft: z.boolean().describe('Whether it is neither in the source nor in a topic'),
      isInSource: z.boolean().describe('Whether the source returns it'),
      records: z.array(placeShape).readonly().describe('All its records, also those that compaction will delete'),
    })
    .optional()
    .describe('With `--client`'),
  tookMs: z.int().describe('Duration in milliseconds'),
})
type AuditOutput = z.output<typeof auditShape>
type Place = z.output<typeof placeShape>

/** What an audit was about, and what it found. */
export interface Report {
  readonly stream: string
  readonly topics: { readonly events: string; readonly deadLetters: string }
  readonly named: NamedKind | undefined
  readonly client: string | undefined
  readonly result: AuditResult
  readonly tookMs: number
}

export function auditOutput({ stream, topics, named, client, result, tookMs }: Report): AuditOutput {
  const { differing, clients } = result
  const { missing, different, gone } = differing.ids
  const ids = named === 'gone' ? gone : [...missing, ...different]
  return {
    stream,
    agree: countDiffering(differing) === 0,
    clients,
    differences: {
      missing: missing.length + differing.withoutId,
      different: different.length,
      gone: gone.length,
    },
    ...(named !== undefined && { ids: ids.slice(0, MAX_IDS) }),
    ...(client !== undefined && { client: clientOutput(result.client, topics) }),
    tookMs: Math.round(tookMs),
  }
}

function clientOutput({ isInSource, records, deadLetters }: AuditResult['client'], topics: Report['topics']) {
  const places = [
    ...records.map((record) => placeOf(topics.events, record, record.kind)),
    ...deadLetters.map((record) => placeOf(topics.deadLetters, record, 'dead-letter')),
  ]
  return { isNothingLeft: !isInSource && places.length === 0, isInSource, records: places }
}

type Placed = Pick<PlacedRecord, 'partition' | 'offset' | 'timeMs'>

function placeOf(topic: string, { partition, offset, timeMs }: Placed, kind: Place['kind']): Place {
  return { topic, partition, offset: String(offset), kind, time: new Date(timeMs).toISOString() }
}

const differenceTexts: Readonly<Record<Difference, string>> = {
  missing: 'missing in the topic',
  different: 'different in the topic',
  gone: 'gone from the source',
}

type Paint = Pick<Screen, 'paint'>

/** The counts as a table. */
export function auditLines({ stream, agree, clients, differences, tookMs }: AuditOutput, { paint }: Paint): string[] {
  const found = differences.missing + differences.different + differences.gone
  const verdict = agree ? paint('green', 'source and topic agree') : paint('red', counted(found, 'difference'))
  const rows = [
    ['in the source', clients.source],
    ['of those, dead letters', clients.deadLetters],
    ['in the topic', clients.topic],
    ...kinds.map((kind) => [differenceTexts[kind], differences[kind]] as const),
  ] as const
  return [
    `${paint('bold', `stream ${stream}`)}: ${verdict} (${tookText(tookMs)})`,
    '',
    ...table([[paint('bold', ''), paint('bold', 'CLIENTS')], ...rows.map(([text, count]) => [text, String(count)])]),
  ]
}

const kindTexts: Readonly<Record<Place['kind'], string>> = {
  event: 'event',
  tombstone: 'tombstone',
  foreign: 'record of another writer',
  'dead-letter': 'dead letter',
}

/** Where one client is. */
export function clientLines({ stream, client, differences }: AuditOutput, id: string, { paint }: Paint): string[] {
  const head = paint('bold', `stream ${stream}, client ${id}`)
  if (client === undefined || client.isNothingLeft)
    return [`${head}: ${paint('green', 'nothing is left in the source, the topic and the dead letters')}`]
  const kind = kinds.find((one) => differences[one] > 0)
  const verdict = kind === undefined ? 'source and topic agree' : differenceTexts[kind]
  return [
    `${head}: ${verdict}`,
    '',
    `source: ${client.isInSource ? 'returned' : 'not returned'}`,
    ...client.records.map(
      ({ topic, partition, offset, kind: of, time }) =>
        `topic ${topic}, partition ${partition}, offset ${offset}: ${kindTexts[of]}, ${isoTime(Date.parse(time))}`,
    ),
  ]
}
