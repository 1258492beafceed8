import * as z from 'zod'
import type { ControlRequest } from '../../control/control-document.ts'
import {
  isNothing,
  remainderOf,
  sourceOf,
  sources,
  standingOf,
  standings,
} from '../../inspect/client/client-standing.ts'
import type { ClientRecord, FoundClient } from '../../inspect/client/find-client.ts'
import type { Screen } from './screen.ts'
import { counted, isoTime, table, wrappedText } from './text.ts'

const recordShape = z.strictObject({
  partition: z.int().describe('Partition'),
  offset: z.string().describe('Offset, as text'),
  kind: z.enum(['event', 'removal', 'tombstone', 'foreign']).describe('`foreign`: the stream has not written it'),
  number: z.int().nullable().describe('Event number: `sequence`'),
  time: z.iso.datetime().nullable().describe('Time of the event'),
})
const MAX_SHOWN = 100
const records = (text: string) => z.array(recordShape).readonly().describe(`${text}; at most ${MAX_SHOWN}`)

/** What `client --json` prints. */
export const clientShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  client: z.string().describe('The id that was given'),
  standing: z.enum(standings).describe('By the client index; `unknown`: it has never seen the client'),
  isPending: z.boolean().describe('Whether that is of a transaction whose commit is not recorded yet'),
  number: z.int().nullable().describe('Number of its last event, by the client index'),
  source: z
    .enum(sources)
    .describe('By full scans: `unasked`: none has missed it; Polaris cannot be asked for a single client'),
  fullScanDueAt: z.iso.datetime().nullable().describe('When the next full scan is due; null: none is configured'),
  newest: recordShape.nullable().describe('The record that subscribers have; null: none'),
  topics: z.strictObject({ events: z.string(), deadLetters: z.string() }).describe('Names of the topics'),
  left: z
    .strictObject({
      values: records('Records with its data, also those that compaction is to delete'),
      tombstones: records('Records that have only its id'),
      deadLetters: records('Records of the dead-letter topic'),
      requests: z.array(z.string()).readonly().describe('Requests to erase it that are not carried out, by id'),
    })
    .describe('What has the client or its id'),
  nothingLeft: z.boolean().describe('Whether the client is erased and nothing of it is left'),
})
type Output = z.output<typeof clientShape>

interface About {
  readonly stream: string
  readonly id: string
  readonly topics: Output['topics']
  readonly requests: readonly ControlRequest[]
}

export function clientOutput({ stream, id, topics, requests }: About, found: FoundClient): Output {
  const { pending, committed } = found.entries
  const standing = standingOf(found)
  const left = remainderOf(found)
  const shown = (all: readonly ClientRecord[]) => all.slice(-MAX_SHOWN).map(recordOutput)
  const open = requests.flatMap((one) =>
    one.kind === 'erase' && one.stream === stream && one.client === id ? [one.id] : [],
  )
  return {
    stream,
    client: id,
    standing,
    isPending: pending !== undefined,
    number: (pending ?? committed)?.number ?? null,
    source: sourceOf(found),
    fullScanDueAt: found.fullScanDueAt === null ? null : new Date(found.fullScanDueAt).toISOString(),
    newest: found.newest === undefined ? null : recordOutput(found.newest),
    topics,
    left: {
      values: shown(left.values),
      tombstones: shown(left.tombstones),
      deadLetters: shown(left.deadLetters),
      requests: open,
    },
    nothingLeft: standing === 'erased' && isNothing(left) && open.length === 0,
  }
}

const recordOutput = ({ offset, ...record }: ClientRecord): Output['left']['values'][number] => ({
  ...record,
  offset: String(offset),
})

const standingTexts: Readonly<Record<Output['standing'], string>> = {
  published: 'published',
  'dead-letter': 'a dead letter',
  erased: 'erased',
  removed: 'removed: full scans no longer return it',
  unknown: 'unknown: the client index has never seen it',
}

const sourceTexts: Readonly<Record<Output['source'], string>> = {
  unasked: 'cannot be asked for a single client; no full scan has missed it',
  'missed-once': 'the last full scan did not return it',
  gone: 'two full scans in a row did not return it',
}

type Paint = Pick<Screen, 'paint' | 'width'>

export function clientLines(report: Output, { paint }: Paint): string[] {
  const { stream, client, newest, left, topics, fullScanDueAt } = report
  const due = fullScanDueAt === null ? 'no full scan is configured' : `next at ${isoTime(Date.parse(fullScanDueAt))}`
  const older = left.values.length + left.tombstones.length - (newest === null ? 0 : 1)
  return [
    `${paint('bold', `stream ${stream}, client ${client}`)}: ${standingTexts[report.standing]}`,
    '',
    ...table([
      ['in Polaris', `${sourceTexts[report.source]} (${due})`],
      ['client index', report.number === null ? 'no entry' : `event ${report.number}${pendingText(report)}`],
      [`topic ${topics.events}`, newest === null ? 'no record' : recordText(newest)],
      ...(older > 0 ? [['', `${counted(older, 'older record')}, until compaction`]] : []),
      [`topic ${topics.deadLetters}`, counted(left.deadLetters.length, 'record')],
      ...left.requests.map((id) => ['requests', `erase ${id} is not carried out yet`]),
    ]),
  ]
}

const pendingText = ({ isPending }: Output) => (isPending ? ', in a transaction whose commit is not recorded yet' : '')

function recordText({ kind, partition, offset, number, time }: Output['left']['values'][number]): string {
  const what = kind === 'foreign' ? 'a record that the stream has not written' : kind
  const details = [...(number === null ? [] : [`number ${number}`]), ...(time === null ? [] : [time])]
  return [`${what}: partition ${partition}, offset ${offset}`, ...details].join(', ')
}

/** The proof for a request of erasure, or what prevents it. */
export function erasedLines(report: Output, { paint, width }: Paint): string[] {
  const { stream, client, left, topics, standing, nothingLeft } = report
  const head = paint('bold', `stream ${stream}, client ${client}`)
  const kept = 'The client index and the erasure marks keep 64 bits of the hash of the id.'
  const unchecked = 'Not checked: subscribers, backups, and old versions of objects in the bucket.'
  const notes = [kept, unchecked].flatMap((text) => wrappedText(text, width))
  if (nothingLeft) return [`${head}: ${paint('green', 'erased, nothing is left in the topics')}`, ...notes]
  const verdict = standing === 'erased' ? 'erased, but not gone yet' : `not erased: ${standingTexts[standing]}`
  const places = [
    holds(left.values, `${topics.events}: its data, until compaction deletes it`),
    holds(left.tombstones, `${topics.events}: its id in a tombstone, until delete.retention.ms is over`),
    holds(
      left.deadLetters,
      `${topics.deadLetters}: its id, and its data with deadLetters.includeClient, until retention.ms is over`,
    ),
    left.requests.map((id) => `control object: its id, until request ${id} is carried out`),
  ].flat()
  return [`${head}: ${paint('red', verdict)}`, ...places.flatMap((text) => wrappedText(`  ${text}`, width)), ...notes]
}

const PLACES = 5

function holds(found: Output['left']['values'], what: string): string[] {
  if (found.length === 0) return []
  const places = found.slice(0, PLACES).map(({ partition, offset }) => `${partition}/${offset}`)
  const more = found.length > PLACES ? [`and ${found.length - PLACES} more`] : []
  return [`topic ${what} (${counted(found.length, 'record')}: partition/offset ${[...places, ...more].join(', ')})`]
}
