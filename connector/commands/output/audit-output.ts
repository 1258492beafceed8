import * as z from 'zod'
import type { AuditResult } from '../../inspect/audit/audit-stream.ts'
import {
  differenceKinds,
  differenceTexts,
  exceptionKinds,
  exceptionTexts,
  type NamedKind,
  namedKinds,
} from '../../inspect/audit/client-kinds.ts'
import { countedDifferences, MAX_KEYS, type Retention, retentions } from '../../inspect/audit/compare.ts'
import type { Screen } from './screen.ts'
import { counted, table, tookText, wrappedText } from './text.ts'

const count = (text: string) => z.int().describe(`Clients: ${text}`)
const ids = z.array(z.string()).readonly().describe(`Ids of the first ${MAX_KEYS} clients`)

/** An object with one property for each kind. */
const each = <Kind extends string, Shape extends z.ZodType>(kinds: readonly Kind[], shapeOf: (kind: Kind) => Shape) =>
  z.strictObject(Object.fromEntries(kinds.map((kind) => [kind, shapeOf(kind)])) as Record<Kind, Shape>)

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
  differences: each(differenceKinds, (kind) => count(differenceTexts[kind])).describe('A client may have several'),
  exceptions: each(exceptionKinds, (kind) => count(exceptionTexts[kind])).describe('What is no difference'),
  topicKeeps: z
    .enum(retentions)
    .describe(
      'Whether the topic keeps the last event of every client: `expires`: Kafka deletes old ones; `shared`: another stream replaces them; `unknown`: no permission to read its settings',
    ),
  caughtUp: z.boolean().describe('Whether a live scan that began after the source was read is known to be published'),
  ids: each(namedKinds, () => ids)
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

function idsOf(named: ReadonlyMap<NamedKind, readonly string[]>): Record<NamedKind, readonly string[]> {
  const entries = namedKinds.map((kind) => [kind, named.get(kind) ?? []])
  return Object.fromEntries(entries) as Record<NamedKind, readonly string[]>
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
