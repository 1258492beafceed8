import { replicaName, surroundings } from '../compose.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { runConnector } from '../run-connector.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { telemetry } from '../telemetry/telemetry.ts'
import { type Command, configOption, optionText } from './command.ts'

export const run: Command = {
  name: 'run',
  summary: 'stream modified clients to Kafka until told to stop',
  usage:
    'Runs the configured streams, shared with the other replicas, tries again after transient trouble for ever, and serves /healthz, /readyz,\n' +
    '/metrics and /status. A stream that needs an operator stops alone: /readyz says so. The first SIGTERM or SIGINT finishes the page in hand,\n' +
    'saves, and hands the streams over; a second leaves at once.\n' +
    'Exit code: 0 stopped, 1 another process took the streams over (PLACEMENT=single), 2 configuration, 128+n second signal.',
  options: configOption,
  run: async (args, { environment, readFile, stop, version }) => {
    const config = connectorConfig(loadConfig({ file: optionText(args, 'config'), environment, readFile }))
    const { connector, http, logLevel: level, placement, streams } = config
    await using closing = closeStack()
    const replica = replicaName()
    const told = telemetry({
      ...{ connector, replica, version, level, placement: placement.mode },
      out: process.stdout,
      clock: systemClock,
      readyAfterMs: http.readyAfterMs,
    })
    const endpoints = closing.use(await told.listen(http, stop), (opened) => opened.close())
    told.log('info', 'connector started', { streams: streams.map(({ name }) => name), port: endpoints.port })
    stop.addEventListener('abort', () => told.replicaIs('stopping'), { once: true })
    const around = surroundings(
      config,
      { clock: systemClock, replica, kafkaLog: told.libraryLog('kafkajs'), onStoreRetry: told.storeRetried },
      closing,
    )
    const ends = [...(await runConnector(around, told, stop)).values()]
    told.log('info', 'connector stopped', {})
    // With every stream lost to another process there is nothing left to do here; a group gives them back some day.
    return placement.mode === 'single' && ends.length > 0 && ends.every(({ kind }) => kind === 'lost') ? 1 : 0
  },
}
