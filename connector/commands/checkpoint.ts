import type { CheckpointDocument } from '../checkpoint/checkpoint-document.ts'
import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../checkpoint/stream-state.ts'
import { openParts, replicaName, type Surroundings, surroundings } from '../compose.ts'
import { connectorConfig, type StreamConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { rewriteCheckpoint } from '../pipeline/rewrite-checkpoint.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { ReadArguments } from '../source/client-source.ts'
import { parseSourceTime } from '../source/source-time.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, optionText } from './command.ts'

const streamOption = {
  stream: { type: 'string', value: 'name', description: 'the stream, where there are several' },
} as const
const yesOption = { yes: { type: 'boolean', description: 'really do it' } } as const

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'print where a stream stands',
  usage:
    'Reads the checkpoint document and changes nothing. A pending state holds if Kafka has its note; opening the stream finds out.',
  options: { ...configOption, ...streamOption },
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, around, closing }) => {
      const { object } = openParts(stream, around, { observe: () => {}, closing })
      const stored = await object.read(parts.stop)
      if (stored === undefined) parts.print(`stream ${stream.name} has no checkpoint yet`)
      else parts.print(JSON.stringify(described(parseDocument(stored.text)), undefined, 2))
      return 0
    }),
}

export const checkpointSet: Command = {
  name: 'checkpoint set',
  summary: 'make a stream read again from a date',
  usage:
    'Opens the stream like a replica, which fences a running one (that stream then stops), prints what held, and writes the new beginning with\n' +
    'the next epoch and an empty window: everything modified since is published again. It also replaces a missing or damaged document.',
  options: {
    ...configOption,
    ...streamOption,
    'last-changed': { type: 'string', value: 'time', description: "by the server's wall clock: 2026-01-31T13:45:00" },
    ...yesOption,
  },
  run: (args, parts) =>
    withStream(args, parts, ({ stream, around, closing }) => {
      const text = optionText(args, 'last-changed')
      const lastChanged = text === undefined ? undefined : parseSourceTime(text, stream.poll.timeZone)
      if (lastChanged === undefined)
        throw invalid('--last-changed is needed: a date, or date and time like 2026-01-31T13:45:00')
      return rewrite(args, parts, {
        stream,
        around,
        closing,
        to: { lastChanged, checkPoint: null, limit: stream.poll.limit, output: stream.poll.output },
      })
    }),
}

export const checkpointReset: Command = {
  name: 'checkpoint reset',
  summary: 'make a stream begin again at POLARIS_LAST_CHANGED',
  usage: 'As `checkpoint set` with the configured beginning.',
  options: { ...configOption, ...streamOption, ...yesOption },
  run: (args, parts) =>
    withStream(args, parts, ({ stream, around, closing }) => {
      if (stream.beginAt === undefined)
        throw invalid('POLARIS_LAST_CHANGED is not configured: where should the stream begin?')
      return rewrite(args, parts, { stream, around, closing, to: stream.beginAt })
    }),
}

interface ChosenStream {
  readonly stream: StreamConfig
  readonly around: Surroundings
  readonly closing: CloseStack
}

async function withStream(
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
  if (first === undefined) throw invalid(`--stream: there is no stream of this name; there are: ${names}`)
  if (others.length > 0) throw invalid(`--stream is needed, there are several: ${names}`)
  await using closing = closeStack()
  const around = surroundings(
    config,
    { clock: systemClock, replica: `operator-${replicaName()}`, kafkaLog: () => {} },
    closing,
  )
  return await use({ stream: first, around, closing })
}

async function rewrite(
  args: CommandArgs,
  { print, stop }: CommandParts,
  chosen: ChosenStream & { to: ReadArguments },
): Promise<number> {
  const { stream, around, closing, to } = chosen
  if (args.yes !== true) {
    throw invalid(
      `stream ${stream.name} would read again from ${to.lastChanged}, and a running connector would lose it: add --yes to do it`,
    )
  }
  const { before, after } = await rewriteCheckpoint(openParts(stream, around, { observe: () => {}, closing }), to, stop)
  switch (before.kind) {
    case 'state':
      print(`before: ${JSON.stringify(describedState(before.state))}`)
      break
    case 'none':
      print('before: no checkpoint')
      break
    case 'unclear':
      print(`before: not clear, ${before.why}`)
  }
  print(`now: ${JSON.stringify({ epoch: after.claim.epoch, ...describedState(after.committed.state) })}`)
  return 0
}

function described({ connector, stream, source, destination, claim, committed, pending }: CheckpointDocument) {
  const { state, ...decided } = committed
  return {
    connector,
    stream,
    source,
    destination,
    claim: { ...claim, at: new Date(claim.at).toISOString() },
    committed: { ...decided, at: new Date(decided.at).toISOString(), ...describedState(state) },
    pending:
      pending === null
        ? null
        : { epoch: pending.epoch, seq: pending.seq, resume: pending.change.resume, events: pending.change.events },
  }
}

function describedState({ resume, events, mapping, window }: StreamState) {
  return { resume, events, mapping, window: { frozenPages: window.frozen.length, seenPages: window.seen.length } }
}

function invalid(what: string): ConnectorError {
  return new ConnectorError('checkpoint.invalid-request', what)
}
