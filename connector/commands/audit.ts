import { composeAudit } from '../compose/compose-audit.ts'
import { type AuditProgress, type AuditResult, auditStream } from '../inspect/audit/audit-stream.ts'
import { countDiffering } from '../inspect/audit/compare.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, jsonOption } from './command.ts'
import { asOperator, type ChosenStream, invalidRequest, onlyStream, selectedStreams } from './command-resources.ts'
import { clientsOption, MAX_CLIENTS, namedClients } from './named-clients.ts'
import { showingProgress } from './output/shown-progress.ts'

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
    'nothing is left anywhere, says so, with exit code 0: the proof of an erasure.',
  takesStream: true,
  options: {
    ...configOption,
    ids: {
      type: 'string',
      value: namedKinds.join('|'),
      description: 'print the ids of these clients, and nothing else',
    },
    client: { ...clientsOption.client, description: 'show where this client is; - reads its id from standard input' },
    ...jsonOption,
  },
  examples: [
    'audit --config connector.yaml',
    'audit lyon --ids missing --config connector.yaml',
    'audit lyon --client 4711 --config connector.yaml',
  ],
  run: async (args, parts) => {
    const wanted = await wantedIn(args, parts)
    return await asOperator(args, parts, async ({ config, shared }) => {
      const isOne = wanted.named !== undefined || wanted.client !== undefined
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

const isAnswerYes = ({ agree, client }: AuditReport) => client?.isNothingLeft ?? agree

interface Wanted {
  readonly named: (typeof namedKinds)[number] | undefined
  readonly client: string | undefined
}

/** Rejects with `command.invalid`. */
async function wantedIn(args: CommandArgs, parts: Pick<CommandParts, 'readInput'>): Promise<Wanted> {
  const named = namedKinds.find((kind) => kind === args.ids)
  if (args.ids !== undefined && named === undefined) throw invalidRequest(`--ids must be ${namedKinds.join(' or ')}`)
  const [client, ...others] = await namedClients(args, parts)
  if (others.length > 0) throw invalidRequest('--client must be the id of one client')
  if (named !== undefined && client !== undefined) throw invalidRequest('--ids must be used without --client')
  return { named, client }
}

async function auditOne(
  { stream, shared, closing }: ChosenStream,
  wanted: Wanted,
  parts: Pick<CommandParts, 'showProgress' | 'stop'>,
): Promise<AuditReport> {
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
  return auditReport({ stream: stream.name, topics: stream.kafka.topic, ...wanted, result })
}

type AuditReport = ReturnType<typeof auditReport>

/** What was found, by `result`. Invariant 8: ids only if they were asked for. */
export function auditReport({ stream, topics, named, client, result }: Wanted & Audited) {
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
    ids: named && ids.slice(0, MAX_CLIENTS),
    client: client === undefined ? undefined : clientReport(result.client, topics),
  }
}

interface Audited {
  readonly stream: string
  readonly topics: { readonly events: string; readonly deadLetters: string }
  readonly result: AuditResult
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
