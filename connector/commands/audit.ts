import { composeAudit } from '../compose/compose-audit.ts'
import { type AuditProgress, auditStream } from '../inspect/audit/audit-stream.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, jsonOption } from './command.ts'
import {
  asOperator,
  type ChosenStream,
  type CommandResources,
  invalidRequest,
  onlyStream,
  selectedStreams,
  streamOption,
} from './command-resources.ts'
import { namedClient } from './named-clients.ts'
import { type AuditReport, auditReport, MAX_IDS, type NamedKind, namedKinds } from './output/audit-report.ts'
import { showingProgress } from './output/shown-progress.ts'

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
    `${MAX_IDS} clients, one a line: personal data.\n` +
    'With --client, shows where one client is: in the source, in the topic, among the dead letters; -\n' +
    'reads its id from standard input. If nothing is left anywhere, says so, with exit code 0:\n' +
    'the proof of an erasure.',
  options: {
    ...configOption,
    ...streamOption,
    ids: {
      type: 'string',
      value: namedKinds.join('|'),
      description: 'print the ids of these clients, and nothing else',
    },
    client: { type: 'string', value: 'id', description: 'show where this client is' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: [
    'audit --config connector.yaml',
    'audit lyon --ids missing --config connector.yaml',
    'audit lyon --client 4711 --config connector.yaml',
  ],
  run: async (args, parts) => {
    const wanted = await wantedIn(args, parts)
    try {
      return await asOperator(args, parts, async (resources) => {
        const reports = await auditAll(args, { ...resources, ...wanted }, parts)
        const [first, ...others] = reports
        const value = wanted.named === undefined ? (others.length === 0 ? first : reports) : first?.ids
        return { exit: reports.every(isAnswerYes) ? 0 : 1, value }
      })
    } catch (error) {
      if (!parts.stop.aborted) throw error
      parts.printError('audit: stopped before the end, so nothing was compared')
      return 3
    }
  },
}

const isAnswerYes = ({ agree, client }: AuditReport) => (client === undefined ? agree : client.isNothingLeft)

interface Wanted {
  readonly named: NamedKind | undefined
  readonly client: string | undefined
}

/** Rejects with `command.invalid`. */
async function wantedIn(args: CommandArgs, parts: Pick<CommandParts, 'readInput'>): Promise<Wanted> {
  const named = namedKinds.find((kind) => kind === args.ids)
  if (args.ids !== undefined && named === undefined) throw invalidRequest(`--ids must be ${namedKinds.join(' or ')}`)
  const client = args.client === undefined ? undefined : await namedClient(args, parts)
  if (named !== undefined && client !== undefined) throw invalidRequest('--ids must be used without --client')
  return { named, client }
}

async function auditAll(
  args: CommandArgs,
  { config, shared, ...wanted }: Pick<CommandResources, 'config' | 'shared'> & Wanted,
  parts: CommandParts,
): Promise<AuditReport[]> {
  const isOne = wanted.named !== undefined || wanted.client !== undefined
  const streams = isOne ? [onlyStream(args, config.streams)] : selectedStreams(args, config.streams)
  const reports: AuditReport[] = []
  for (const stream of streams) {
    await using closing = closeStack()
    reports.push(await auditOne({ stream, shared, closing }, wanted, parts))
  }
  return reports
}

async function auditOne(
  { stream, shared: { clock, ...shared }, closing }: ChosenStream,
  wanted: Wanted,
  parts: Pick<CommandParts, 'showProgress' | 'stop'>,
): Promise<AuditReport> {
  let progress: AuditProgress = { step: 'source', clients: 0 }
  const onProgress = (next: AuditProgress) => {
    progress = next
  }
  const composed = composeAudit(stream, { ...shared, clock }, closing)
  const auditing = auditStream(composed, { client: wanted.client, onProgress }, parts.stop)
  const text = () => progressText(progress)
  const result = await showingProgress(auditing, { output: parts, text, clock })
  return auditReport({ stream: stream.name, topics: stream.kafka.topic, ...wanted, result })
}

function progressText(progress: AuditProgress): string {
  if (progress.step === 'topic') return `${Math.floor(progress.share * 100)} % of the topic read`
  return `reading the ${progress.step}: ${progress.clients} clients so far`
}
