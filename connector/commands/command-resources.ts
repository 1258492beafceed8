import { openSharedResources, replicaName, type SharedResources } from '../compose/shared-resources.ts'
import { type ConnectorConfig, connectorConfig, type StreamConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import { type Answer, type CommandArgs, type CommandParts, configSources, optionText } from './command.ts'
import { printable } from './output/screen.ts'

/** What a command that connects works with. */
export interface CommandResources {
  readonly config: ConnectorConfig
  readonly shared: SharedResources
  /** Closed when the command ends. */
  readonly closing: CloseStack
}

/** What `run` works with. */
interface ReplicaResources extends CommandResources {
  readonly telemetry: Telemetry
}

/** Opens what a replica works with. `isAlone`: without a consumer group. Throws `config.invalid`. */
export function openReplica(
  args: CommandArgs,
  parts: CommandParts,
  { isAlone }: { readonly isAlone: boolean },
): ReplicaResources & AsyncDisposable {
  const configured = connectorConfig(loadConfig(configSources(args, parts)))
  const config: ConnectorConfig = isAlone ? { ...configured, placement: { mode: 'single' } } : configured
  const closing = closeStack()
  const identity = { connector: config.connector, replica: replicaName(), version: parts.version }
  const telemetry = createTelemetry({
    ...identity,
    level: config.log.level,
    out: { write: (line) => process.stdout.write(printable(line)) },
    clock: systemClock,
    placement: config.placement.mode,
    readyAfterMs: config.readyAfterMs,
  })
  const shared = openSharedResources(
    config,
    {
      clock: systemClock,
      replica: identity.replica,
      kafkaLog: telemetry.libraryLog('kafkajs'),
      onStoreRetry: telemetry.storeRetried,
    },
    closing,
  )
  return { config, shared, telemetry, closing, [Symbol.asyncDispose]: closing.close }
}

/**
 * Runs `use` as an operator's tool, which logs nothing. Resolves to 3 if it was stopped. Rejects with `config.invalid` or
 * as `use` does.
 */
export async function asOperator(
  args: CommandArgs,
  parts: CommandParts,
  use: (resources: CommandResources) => Promise<Answer>,
): Promise<Answer> {
  const config = connectorConfig(loadConfig(configSources(args, parts)))
  const silent = { kafkaLog: () => {}, onStoreRetry: () => {} }
  const replica = `operator-${replicaName()}`
  await using closing = closeStack()
  const shared = openSharedResources(config, { clock: systemClock, replica, ...silent }, closing)
  try {
    return await use({ config, shared, closing })
  } catch (error) {
    if (!parts.stop.aborted) throw error
    parts.printError('stopped before the end: repeat the command')
    return { exit: 3 }
  }
}

/** The one stream that a command works on, with its resources. */
export type ChosenStream = Omit<CommandResources, 'config'> & { readonly stream: StreamConfig }

/** Runs `use` with the named stream, or with the only one. Rejects with `command.invalid` if that is ambiguous. */
export function withStream(
  args: CommandArgs,
  parts: CommandParts,
  use: (chosen: ChosenStream) => Promise<Answer>,
): Promise<Answer> {
  return asOperator(args, parts, ({ config, shared, closing }) =>
    use({ stream: onlyStream(args, config.streams), shared, closing }),
  )
}

/** The named stream, or the only one. Throws `command.invalid` if that is ambiguous. */
export function onlyStream(args: CommandArgs, streams: readonly StreamConfig[]): StreamConfig {
  const [first, ...others] = selectedStreams(args, streams)
  if (others.length > 0) throw invalidRequest(`name one of the streams: ${namesOf(streams)}`)
  return first
}

/** The named stream, or all. Throws `command.invalid` if there is none of that name. */
export function selectedStreams(
  args: CommandArgs,
  streams: readonly StreamConfig[],
): readonly [StreamConfig, ...StreamConfig[]] {
  const name = optionText(args, 'stream')
  const [first, ...others] = streams.filter((stream) => name === undefined || stream.name === name)
  if (first === undefined) throw invalidRequest(`unknown stream ${name}; must be one of ${namesOf(streams)}`)
  return [first, ...others]
}

const namesOf = (streams: readonly StreamConfig[]) => streams.map(({ name }) => name).join(', ')

export function invalidRequest(what: string): ConnectorError {
  return new ConnectorError('command.invalid', what)
}
