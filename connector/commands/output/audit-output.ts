import * as z from 'zod'
import type { AuditResult } from '../../inspect/audit/audit-stream.ts'
import {
  type DifferenceKind,
  differenceKinds,
  type ExceptionKind,
  exceptionKinds,
  type NamedKind,
} from '../../inspect/audit/client-kinds.ts'
import { countedDifferences, MAX_KEYS, type Retention, retentions } from '../../inspect/audit/compare.ts'
import type { Screen } from './screen.ts'
import { table } from './text-table.ts'
import { counted, tookText } from './time-text.ts'
import { wrappedText } from './wrapped-text.ts'

const differenceTexts: Readonly<Record<DifferenceKind, string>> = {
  notPublished: 'in the source, but not published',
  outdated: 'other content in the source than published',
  gone: 'published, but not returned by the source',
  notInTopic: 'published by the index, but not in the topic',
  topicDiffers: 'other event in the topic than in the index',
  notInIndex: 'in the topic, but not in the index',
  notErased: 'erased or removed, but still in the topic',
  foreign: 'last record in the topic is no event of the stream',
}

const exceptionTexts: Readonly<Record<ExceptionKind, string>> = {
  changedMeanwhile: 'changed during the audit',
  notComparable: 'content not comparable: another HMAC key or schema',
  onlyInIndex: 'neither in the source nor in the topic, only in the index',
  deadLetters: 'dead letters',
  erased: 'erased from the topic',
  removed: 'removed from the topic',
  missing: 'known to be missing from the source',
}

const count = (text: string) => z.int().describe(`Clients: ${text}`)
const ids = z.array(z.string()).readonly().describe(`Ids of the first ${MAX_KEYS} clients`)

/** What `audit --json` prints. */
export const auditShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  agree: z.boolean().describe('Whether there is no difference, apart from events that the topic need not keep'),
  clients: z
    .strictObject({
      source: z.int().describe('Clients that the source returned'),
      index: z.int().describe('Clients in the index, with dead letters and erased ones'),
      topic: z.int().describe('Clients with an event in the topic'),
    })
    .describe('How many clients there are'),
  differences: z
    .strictObject({
      notPublished: count(differenceTexts.notPublished),
      outdated: count(differenceTexts.outdated),
      gone: count(differenceTexts.gone),
      notInTopic: count(differenceTexts.notInTopic),
      topicDiffers: count(differenceTexts.topicDiffers),
      notInIndex: count(differenceTexts.notInIndex),
      notErased: count(differenceTexts.notErased),
      foreign: count(differenceTexts.foreign),
    })
    .describe('A client may have several'),
  exceptions: z
    .strictObject({
      changedMeanwhile: count(exceptionTexts.changedMeanwhile),
      notComparable: count(exceptionTexts.notComparable),
      onlyInIndex: count(exceptionTexts.onlyInIndex),
      deadLetters: count(exceptionTexts.deadLetters),
      erased: count(exceptionTexts.erased),
      removed: count(exceptionTexts.removed),
      missing: count(exceptionTexts.missing),
    })
    .describe('What is no difference'),
  topicKeeps: z
    .enum(retentions)
    .describe(
      'Whether the topic keeps the last event of every client: `expires`: Kafka deletes old ones; `shared`: another stream replaces them; `unknown`: no permission to read its settings',
    ),
  caughtUp: z.boolean().describe('Whether a live scan that began after the source was read is known to be published'),
  ids: z
    .strictObject({
      notPublished: ids,
      outdated: ids,
      gone: ids,
      notInTopic: ids,
      topicDiffers: ids,
      notInIndex: ids,
      notErased: ids,
      foreign: ids,
      missing: ids,
    })
    .optional()
    .describe('With `--ids`: personal data'),
  tookMs: z.int().describe('Duration in milliseconds'),
})

/** What an audit is about and what it found. */
export interface Report {
  readonly stream: string
  readonly result: AuditResult
  readonly retention: Retention
  readonly tookMs: number
}

type AuditOutput = z.output<typeof auditShape>

export function auditOutput({ stream, result, retention, tookMs }: Report): AuditOutput {
  const { clients, differences, exceptions, isCaughtUp, ids: named } = result
  return {
    stream,
    agree: countedDifferences(result, retention) === 0,
    clients,
    differences,
    exceptions,
    topicKeeps: retention,
    caughtUp: isCaughtUp,
    ...(named && { ids: idsOf(named) }),
    tookMs: Math.round(tookMs),
  }
}

function idsOf(named: ReadonlyMap<NamedKind, readonly string[]>): NonNullable<AuditOutput['ids']> {
  const of = (kind: NamedKind) => named.get(kind) ?? []
  return {
    notPublished: of('notPublished'),
    outdated: of('outdated'),
    gone: of('gone'),
    notInTopic: of('notInTopic'),
    topicDiffers: of('topicDiffers'),
    notInIndex: of('notInIndex'),
    notErased: of('notErased'),
    foreign: of('foreign'),
    missing: of('missing'),
  }
}

/** The result as tables. */
export function auditLines(report: Report, { paint, width }: Pick<Screen, 'paint' | 'width'>): string[] {
  const { stream, result, retention, tookMs } = report
  const { clients, differences, exceptions, ids: named } = result
  const found = countedDifferences(result, retention)
  const verdict =
    found === 0 ? paint('green', 'source, index and topic agree') : paint('red', counted(found, 'difference'))
  const row = (text: string, clientsOf: number) => [text, String(clientsOf)]
  const rows = <Kind extends string>(
    kinds: readonly Kind[],
    counts: Readonly<Record<Kind, number>>,
    texts: Readonly<Record<Kind, string>>,
  ) => kinds.filter((kind) => counts[kind] > 0).map((kind) => row(texts[kind], counts[kind]))
  const section = (title: string, of: string[][]) =>
    of.length === 0 ? [] : ['', ...table([[paint('bold', title), paint('bold', 'CLIENTS')], ...of])]
  return [
    `${paint('bold', `stream ${stream}`)}: ${verdict} (${tookText(tookMs)})`,
    ...section('IN', [row('source', clients.source), row('index', clients.index), row('topic', clients.topic)]),
    ...section('DIFFERENCE', rows(differenceKinds, differences, differenceTexts)),
    ...section('NO DIFFERENCE', rows(exceptionKinds, exceptions, exceptionTexts)),
    ...remarks(report).flatMap((line) => wrappedText(line, width).map((part) => paint('yellow', part))),
    ...(named === undefined ? [] : idLines(named).flatMap((line) => wrappedText(line, width))),
  ]
}

const retentionTexts: Readonly<Record<Retention, string | undefined>> = {
  kept: undefined,
  expires: 'Kafka deletes old events of this topic (cleanup.policy): those are not counted as differences',
  shared: 'another stream replaces events of this topic (sharedKeys): those are not counted as differences',
  unknown: 'it is unknown whether Kafka deletes old events of this topic: that requires DESCRIBE_CONFIGS on it',
}

function remarks({ result: { differences, isCaughtUp }, retention }: Report): string[] {
  const { notPublished, outdated, notInTopic } = differences
  const ofTopic = notInTopic > 0 ? retentionTexts[retention] : undefined
  const isBehind = notPublished + outdated > 0 && !isCaughtUp
  const ofReplica = 'the stream has completed no live scan since the source was read: if it is behind, repeat the audit'
  return [...(ofTopic === undefined ? [] : [ofTopic]), ...(isBehind ? [ofReplica] : [])].map((text) => `note: ${text}`)
}

const kindTexts: Readonly<Record<NamedKind, string>> = { ...differenceTexts, missing: exceptionTexts.missing }

function idLines(named: ReadonlyMap<NamedKind, readonly string[]>): string[] {
  return [...named].flatMap(([kind, of]) => (of.length === 0 ? [] : ['', `${kindTexts[kind]}:`, of.join(' ')]))
}
