import { replicaName, type Surroundings, surroundings } from '../compose.ts'
import { connectorConfig, type StreamConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type CommandArgs, type CommandParts, optionText } from './command.ts'

export const streamOption = {
  stream: { type: 'string', value: 'name', description: 'the stream, where there are several' },
} as const

/** The one stream that a command is about, and what it needs around it. */
export interface ChosenStream {
  readonly stream: StreamConfig
  readonly around: Surroundings
  readonly closing: CloseStack
}

/** Calls `use` with the stream of `--stream`, or the only one there is; closes what was opened. Rejects with `checkpoint.invalid-request` when it is not clear which. */
export async function withStream(
  args: CommandArgs,
  parts: CommandParts,
  use: (chosen: ChosenStream) => Promise<number>,
): Promise<number> {
  const config = connectorConfig(
    loadConfig({ file: optionText(args, 'config'), environment: parts.environment, readFile: parts.readFile }),
  )
  const name = optionText(args, 'stream')
  const names = config.streams.map((stream) => stream.name).join(', ')
  const [first, ...others] = config.streams.filter((stream) => name === undefined || stream.name === name)
  if (first === undefined) throw invalidRequest(`--stream: there is no stream of this name; there are: ${names}`)
  if (others.length > 0) throw invalidRequest(`--stream is needed, there are several: ${names}`)
  await using closing = closeStack()
  const around = surroundings(
    config,
    { clock: systemClock, replica: `operator-${replicaName()}`, kafkaLog: () => {}, onStoreRetry: () => {} },
    closing,
  )
  return await use({ stream: first, around, closing })
}

export function invalidRequest(what: string): ConnectorError {
  return new ConnectorError('checkpoint.invalid-request', what)
}
