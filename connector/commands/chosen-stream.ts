import type { StreamConfig } from '../config/connector-config.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type CommandArgs, type CommandParts, optionText } from './command.ts'
import { asOperator, type CommandResources } from './command-resources.ts'

export const streamOption = {
  stream: { type: 'string', value: 'name', description: 'name of the stream; required if there are several' },
} as const

/** The one stream that a command works on, with its resources. */
export type ChosenStream = Omit<CommandResources, 'config'> & { readonly stream: StreamConfig }

/**
 * Runs `use` with the stream that `--stream` names, or with the only stream. Rejects with `command.invalid`
 * if that is ambiguous.
 */
export function withStream(
  args: CommandArgs,
  parts: CommandParts,
  use: (chosen: ChosenStream) => Promise<number>,
): Promise<number> {
  return asOperator(args, parts, ({ config, shared, closing }) =>
    use({ stream: onlyStream(args, config.streams), shared, closing }),
  )
}

/** The stream that `--stream` names, or the only one. Throws `command.invalid` if that is ambiguous. */
export function onlyStream(args: CommandArgs, streams: readonly StreamConfig[]): StreamConfig {
  const [first, ...others] = selectedStreams(args, streams)
  if (others.length > 0) throw invalidRequest(`--stream is required: there are several streams: ${namesOf(streams)}`)
  return first
}

/** The streams that `--stream` names, or all. Throws `command.invalid` if it names none. */
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
