import { composeStream, replicaName, serviceReopening, surroundings } from '../compose.ts'
import { type ConnectorConfig, connectorConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { runStream, type StreamEnd } from '../pipeline/run-stream.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { graceAfter } from '../runtime/grace.ts'
import { type Telemetry, telemetry } from '../telemetry/telemetry.ts'
import { type Command, type CommandParts, configOption, optionText } from './command.ts'

export const run: Command = {
  name: 'run',
  summary: 'stream modified clients to Kafka until told to stop',
  usage:
    'Runs every configured stream, tries again after transient trouble for ever, and serves /healthz, /readyz, /metrics and /status.\n' +
    'A stream that needs an operator stops alone: /readyz says so. The first SIGTERM or SIGINT finishes the page in hand and saves; a second\n' +
    'leaves at once.\nExit code: 0 stopped, 1 another process took the streams over, 2 configuration, 128+n second signal.',
  options: configOption,
  run: async (args, parts) => {
    const config = connectorConfig(
      loadConfig({ file: optionText(args, 'config'), environment: parts.environment, readFile: parts.readFile }),
    )
    await using closing = closeStack()
    const replica = replicaName()
    const told = telemetry({
      connector: config.connector,
      replica,
      version: parts.version,
      level: config.logLevel,
      out: process.stdout,
      clock: systemClock,
      readyAfterMs: config.http.readyAfterMs,
    })
    const endpoints = closing.use(await told.listen(config.http, parts.stop), (opened) => opened.close())
    told.log('info', 'connector started', { streams: config.streams.map(({ name }) => name), port: endpoints.port })
    const ends = await runStreams({ config, told, replica, closing }, parts.stop)
    told.log('info', 'connector stopped', {})
    // Placement is single: with every stream lost to another process there is nothing left to do here.
    return ends.every(({ kind }) => kind === 'lost') ? 1 : 0
  },
}

interface Running {
  readonly config: ConnectorConfig
  readonly told: Telemetry
  readonly replica: string
  readonly closing: ReturnType<typeof closeStack>
}

/** Runs all streams; a stream that failed leaves the others alone, and the process alive until `stop`. */
async function runStreams(
  { config, told, replica, closing }: Running,
  stop: CommandParts['stop'],
): Promise<StreamEnd[]> {
  const around = surroundings(config, { clock: systemClock, replica, kafkaLog: told.libraryLog('kafkajs') }, closing)
  const grace = closing.use(graceAfter(stop, config.finishWithinMs, systemClock), (opened) => opened[Symbol.dispose]())
  const running = config.streams.map((stream) => {
    const observe = told.observe(stream.name, { pollIntervalMs: stream.poll.intervalMs })
    const composed = composeStream(stream, around, {
      until: 'stopped',
      reopening: serviceReopening,
      giveUp: grace.signal,
      observe,
    })
    closing.use(composed, (opened) => opened.closing.close())
    return runStream(composed, stop)
  })
  told.replicaIs('running')
  stop.addEventListener('abort', () => told.replicaIs('stopping'), { once: true })
  const ends = await Promise.all(running)
  if (ends.some(({ kind }) => kind === 'failed')) await untilAborted(stop)
  return ends
}

function untilAborted(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => resolve(), { once: true })
  })
}
