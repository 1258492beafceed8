import { openSharedResources, replicaName, type SharedResources } from '../compose/shared-resources.ts'
import { problemText } from '../config/config-problem.ts'
import { type ConnectorConfig, connectorConfig, type StreamConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import {
  type Answer,
  type CommandArgs,
  type CommandParts,
  configSources,
  invalidRequest,
  MAX_CLIENTS,
} from './command.ts'

interface Resources {
  readonly shared: SharedResources
  /** Closed when the command ends. */
  readonly closing: CloseStack
}

/** The one stream that a command works on, with its resources. */
export interface ChosenStream extends Resources {
  readonly stream: StreamConfig
}

type Streams = readonly Pick<StreamConfig, 'name'>[]

/**
 * Loads the configuration with the named stream only, or with all. Throws `config.invalid`, or `command.invalid` if
 * there is none of that name.
 */
export function selectedConfig(args: CommandArgs, parts: CommandParts): ConnectorConfig {
  const { settings, warnings } = loadConfig(configSources(args, parts))
  for (const one of warnings) parts.printError(`warning: ${problemText(one)}`)
  const config = connectorConfig(settings)
  const streams = config.streams.filter(({ name }) => args.stream === undefined || args.stream === name)
  if (streams.length > 0) return { ...config, streams }
  throw invalidRequest(`unknown stream ${args.stream}; must be one of ${namesOf(config.streams)}`)
}

/** Runs `use` as an operator's tool, which logs nothing. Rejects as `use` does. */
export async function runAsOperator(
  args: CommandArgs,
  parts: CommandParts,
  use: (resources: Resources & { readonly streams: readonly StreamConfig[] }) => Promise<Answer>,
): Promise<Answer> {
  const config = selectedConfig(args, parts)
  const replica = `operator-${replicaName()}`
  await using closing = closeStack()
  const shared = openSharedResources(config, { clock: systemClock, replica }, closing)
  return await use({ streams: config.streams, shared, closing })
}

/** Runs `use` with the named stream, or with the only one. Rejects with `command.invalid` if that is ambiguous. */
export function withStream(
  args: CommandArgs,
  parts: CommandParts,
  use: (chosen: ChosenStream) => Promise<Answer>,
): Promise<Answer> {
  return runAsOperator(args, parts, async ({ streams, ...resources }) =>
    use({ stream: onlyStream(streams), ...resources }),
  )
}

/** Returns the only stream. Throws `command.invalid` if there are several. */
export function onlyStream<Stream extends Streams[number]>(streams: readonly Stream[]): Stream {
  const [first, ...others] = streams
  if (first !== undefined && others.length === 0) return first
  throw invalidRequest(`name one of the streams: ${namesOf(streams)}`)
}

const namesOf = (streams: Streams) => streams.map(({ name }) => name).join(', ')

/**
 * Returns the clients that `--client` names, verbatim and each once; none without the option. Rejects with
 * `command.invalid`.
 */
export async function namedClients(
  { client }: CommandArgs,
  { readInput }: Pick<CommandParts, 'readInput'>,
): Promise<readonly string[]> {
  const given: readonly string[] = Array.isArray(client) ? client : []
  // Standard input keeps the ids out of the history of the shell.
  const lines = given.includes('-') ? (await readInput()).split(/\r?\n/) : []
  const ids = [...new Set([...given.filter((id) => id !== '-'), ...lines])].filter((id) => id !== '')
  if (given.length > 0 && ids.length === 0) throw invalidRequest('--client found no client id on standard input')
  if (ids.length <= MAX_CLIENTS) return ids
  throw invalidRequest(`--client must name at most ${MAX_CLIENTS} clients, not ${ids.length}`)
}
