import { randomUUID } from 'node:crypto'
import { waitingRewind } from '../checkpoint/wishes.ts'
import { composeAudit } from '../compose/compose-audit.ts'
import { hashedId } from '../index/index-entry.ts'
import { type AuditProgress, type AuditResult, auditStream } from '../inspect/audit/audit-stream.ts'
import { countDiffering } from '../inspect/audit/compare.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { wallClock } from '../source/source-time.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, jsonOption, optionText } from './command.ts'
import { asOperator, type ChosenStream, invalidRequest, onlyStream, selectedStreams } from './command-resources.ts'
import { eraseClients } from './erase.ts'
import { clientsOption, MAX_CLIENTS, namedClients } from './named-clients.ts'
import { showingProgress } from './output/shown-progress.ts'
import { readStored, wish } from './stored-stream.ts'

/** The differences whose clients can be named: what is missing and what is different has one cure. */
const namedKinds = ['missing', 'gone'] as const

export const audit: Command = {
  name: 'audit',
  summary: 'compare the clients in the source with those in the topic; show where one client is',
  usage:
    'Reads all clients of Polaris from POLARIS_LAST_CHANGED on and the whole events topic, and compares\n' +
    'what would be published with what subscribers have. Counts clients that are missing in the topic,\n' +
    'different, or gone from the source. What differs must differ in a second reading of the source, too:\n' +
    'clients may change meanwhile. Changes nothing and needs no replica. Costs the server one full scan or\n' +
    'two. Needs about 300 bytes of memory for each client. Without a stream, audits one after another.\n' +
    'With --ids missing (those that are different, too) or --ids gone, prints only the ids of the first\n' +
    `${MAX_CLIENTS} clients, one a line: personal data.\n` +
    'With --client, shows where one client is: in the source, in the topic, among the dead letters. If\n' +
    'nothing is left anywhere, says so, with exit code 0: the proof of an erasure.\n' +
    'With --remove-gone, erases the clients that are gone, as erase --as removed does, if they are at most\n' +
    'so many; and wishes a rewind, so that such a client is published if it returns. If more are gone, or\n' +
    'another rewind waits, changes nothing, with exit code 1.',
  takesStream: true,
  options: {
    ...configOption,
    ids: {
      type: 'string',
      value: namedKinds.join('|'),
      description: 'print the ids of these clients, and nothing else',
    },
    'remove-gone': {
      type: 'string',
      value: 'count',
      description: `erase the clients that are gone, if they are at most so many; at most ${MAX_CLIENTS}`,
    },
    client: { ...clientsOption.client, description: 'show where this client is; - reads its id from standard input' },
    ...jsonOption,
  },
  examples: [
    'audit --config connector.yaml',
    'audit lyon --ids missing --config connector.yaml',
    'audit lyon --client 4711 --config connector.yaml',
    'audit lyon --remove-gone 100 --config connector.yaml',
  ],
  run: async (args, parts) => {
    const wanted = await wantedIn(args, parts)
    return await asOperator(args, parts, async ({ config, shared }) => {
      const isOne = Object.values(wanted).some((one) => one !== undefined)
      const streams = isOne ? [onlyStream(args, config.streams)] : selectedStreams(args, config.streams)
      const reports: AuditReport[] = []
      for (const stream of streams) {
        await using closing = closeStack()
        reports.push(await auditOne({ stream, shared, closing }, wanted, parts))
      }
      const [first, ...others] = reports
      const value = wanted.named === undefined ? (others.length === 0 ? first : reports) : first?.ids
      return { exit: reports.every(isAnswerYes) ? 0 : 1, value }
    })
  },
}

const isAnswerYes = ({ agree, client, removal, differences }: AuditReport) =>
  client?.isNothingLeft ?? (agree || (removal?.isDone === true && differences.missing + differences.different === 0))

interface Wanted {
  readonly named: (typeof namedKinds)[number] | undefined
  readonly client: string | undefined
  /** Clients that are gone are removed if they are at most so many. */
  readonly removeGone: number | undefined
}

/** Rejects with `command.invalid`. */
async function wantedIn(args: CommandArgs, parts: Pick<CommandParts, 'readInput'>): Promise<Wanted> {
  const named = namedKinds.find((kind) => kind === args.ids)
  if (args.ids !== undefined && named === undefined) throw invalidRequest(`--ids must be ${namedKinds.join(' or ')}`)
  const [client, ...others] = await namedClients(args, parts)
  if (others.length > 0) throw invalidRequest('--client must be the id of one client')
  const count = optionText(args, 'remove-gone')
  const removeGone = count === undefined ? undefined : Number(count)
  if (removeGone !== undefined && !(/^\d+$/.test(count ?? '') && removeGone <= MAX_CLIENTS))
    throw invalidRequest(`--remove-gone must be a number up to ${MAX_CLIENTS}`)
  if ([named, client, removeGone].filter((one) => one !== undefined).length > 1)
    throw invalidRequest('--ids, --client and --remove-gone must be used one at a time')
  return { named, client, removeGone }
}

async function auditOne(
  chosen: ChosenStream,
  wanted: Wanted,
  parts: Pick<CommandParts, 'showProgress' | 'stop'>,
): Promise<AuditReport> {
  const { stream, shared, closing } = chosen
  const startedAt = shared.clock.now()
  let progress: AuditProgress = { step: 'source', clients: 0 }
  const onProgress = (next: AuditProgress) => {
    progress = next
  }
  const composed = composeAudit(stream, shared, closing)
  const auditing = auditStream(composed, { client: wanted.client, onProgress }, parts.stop)
  const text = () =>
    progress.step === 'topic'
      ? `${Math.floor(progress.share * 100)} % of the topic read`
      : `reading the ${progress.step}: ${progress.clients} clients so far`
  const result = await showingProgress(auditing, { output: parts, text, clock: shared.clock })
  const { gone } = result.differing.ids
  const most = wanted.removeGone
  const removal =
    most === undefined ? undefined : await removed(gone, { most, startedAt }, { chosen, stop: parts.stop })
  return auditReport({ stream: stream.name, topics: stream.kafka.topic, ...wanted, result, removal })
}

interface Removal {
  readonly isDone: boolean
  readonly text: string
}

/** Erases the clients. The rewind publishes one that returns, whatever its content. */
async function removed(
  gone: readonly string[],
  { most, startedAt }: { readonly most: number; readonly startedAt: number },
  { chosen, stop }: { readonly chosen: ChosenStream; readonly stop: AbortSignal },
): Promise<Removal> {
  if (gone.length === 0) return { isDone: true, text: 'no client is gone' }
  if (gone.length > most) return { isDone: false, text: `${gone.length} clients are gone: nothing was changed` }
  const { document, wishes } = await readStored(chosen, stop)
  const known = typeof document === 'string' ? undefined : document
  if (waitingRewind(known, wishes) !== undefined)
    return { isDone: false, text: 'a rewind waits until a replica applies it: nothing was changed' }
  const { value } = await eraseClients({ type: 'client.removed', clients: gone }, chosen, stop)
  const to = wallClock(startedAt, chosen.stream.poll.timeZone)
  const rewind = { id: randomUUID(), to, republish: true, yes: null, clients: gone.map(hashedId) }
  await wish(chosen, { rewind }, stop)
  return { isDone: true, text: value }
}

type AuditReport = ReturnType<typeof auditReport>

/** What was found, by `result`. Invariant 8: ids only if they were asked for. */
export function auditReport({ stream, topics, named, client, result, removal }: Omit<Wanted, 'removeGone'> & Audited) {
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
    removal,
    ids: named && ids.slice(0, MAX_CLIENTS),
    client: client === undefined ? undefined : clientReport(result.client, topics),
  }
}

interface Audited {
  readonly stream: string
  readonly topics: { readonly events: string; readonly deadLetters: string }
  readonly result: AuditResult
  readonly removal?: Removal | undefined
}

function clientReport({ isInSource, records, deadLetters }: AuditResult['client'], topics: Audited['topics']) {
  const places = [
    ...records.map((record) => ({ topic: topics.events, ...record })),
    ...deadLetters.map((record) => ({ topic: topics.deadLetters, ...record, kind: 'dead-letter' })),
  ].map(({ topic, partition, offset, kind, timeMs }) => {
    return { topic, partition, offset: String(offset), kind, time: new Date(timeMs).toISOString() }
  })
  const isNothingLeft = !isInSource && places.length === 0
  const proof = isNothingLeft ? 'nothing is left in the source, the topic and the dead letters' : undefined
  return { isNothingLeft, proof, isInSource, records: places }
}
