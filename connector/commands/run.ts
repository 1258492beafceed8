import { runConnector } from '../compose/run-connector.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type ExitCode, errorCatalogue, highest } from '../runtime/error-catalogue.ts'
import type { StreamEnd } from '../stream/run-stream.ts'
import type { LogFields } from '../telemetry/logger.ts'
import { type Command, configOption } from './command.ts'
import { openReplica } from './command-resources.ts'

const untilCaughtUp = 'until-caught-up'

export const run: Command = {
  name: 'run',
  summary: 'publish modified clients to Kafka until stopped',
  usage:
    'Runs the configured streams, which it shares with the other replicas, and serves the status\n' +
    'page (/), /healthz, /readyz, /metrics and /status. A stream that cannot continue is held, and\n' +
    'tries again periodically; the other streams continue.\n' +
    'The first SIGTERM or SIGINT publishes and saves the current page and releases the streams; a\n' +
    'second signal exits immediately.\n' +
    'With --until-caught-up, for a scheduler: runs all streams without the consumer group, and ends\n' +
    'when each has ended a live scan and its history, or is paused or held. Stop the replicas first.\n' +
    'Transient failures are retried indefinitely: limit its time by `timeout`.',
  options: {
    ...configOption,
    [untilCaughtUp]: { type: 'boolean', description: 'end when all streams have caught up' },
  },
  examples: ['run --config connector.yaml', 'run --until-caught-up --config connector.yaml'],
  run: async (args, parts) => {
    const isEnding = args[untilCaughtUp] === true
    await using replica = openReplica(args, parts, { isAlone: isEnding })
    const { config, shared, telemetry, closing } = replica
    const { http, streams } = config
    const { stop } = parts
    const listening = await telemetry.listen(http.port, stop)
    const { port } = closing.use(listening, (opened) => opened.close())
    telemetry.log('info', 'connector started', { streams: streams.map(({ name }) => name), port })
    stop.addEventListener('abort', () => telemetry.replicaIs('stopping'), { once: true })
    const until = isEnding ? 'caught-up' : 'stopped'
    const byStream = await runConnector(shared, { telemetry, until }, stop)
    const ends = [...byStream.values()]
    if (isEnding)
      for (const [stream, end] of byStream) telemetry.log('info', 'run ended', { stream, ...endFields(end) })
    telemetry.log('info', 'connector stopped', {})
    return { exit: isEnding ? highest(ends.map(exitOf)) : 0 }
  },
}

function endFields(end: StreamEnd): LogFields {
  return { end: end.kind, code: 'error' in end ? codeOf(end.error) : undefined }
}

function exitOf(end: StreamEnd): ExitCode {
  return 'error' in end ? errorCatalogue[codeOf(end.error)].exit : 0
}
