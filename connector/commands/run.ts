import { runConnector } from '../compose/run-connector.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { collectWhenIdle, thisProcess } from '../runtime/memory/idle-memory.ts'
import { type Command, configOption } from './command.ts'
import { openReplica } from './command-resources.ts'

export const run: Command = {
  name: 'run',
  summary: 'publish modified clients to Kafka until stopped',
  usage:
    'Runs the configured streams, which it shares with the other replicas, and serves the status\n' +
    'page (/), /healthz, /readyz, /metrics and /status.\n' +
    'Transient failures are retried indefinitely. A stream that cannot continue is held: /readyz\n' +
    'reports it, the connector checks periodically whether it can resume, and the other streams\n' +
    'continue.\n' +
    'The first SIGTERM or SIGINT publishes and saves the current page and releases the streams; a\n' +
    'second signal exits immediately.\n' +
    'Exit code: 0 stopped, 1 another process took over all streams (PLACEMENT=single), 2 invalid\n' +
    'configuration, 128+n second signal.',
  options: configOption,
  examples: ['run --config connector.yaml'],
  run: async (args, parts) => {
    await using replica = openReplica(args, parts, process.stdout)
    const { config, shared, telemetry, closing } = replica
    const { http, placement, streams } = config
    const { stop } = parts
    const listening = await telemetry.listen(http, stop)
    const { port } = closing.use(listening, (opened) => opened.close())
    telemetry.log('info', 'connector started', { streams: streams.map(({ name }) => name), port })
    stop.addEventListener('abort', () => telemetry.replicaIs('stopping'), { once: true })
    const running = closing.use(linkedAbort(stop), (linked) => linked.abort())
    void collectWhenIdle(thisProcess, shared.clock, running.signal)
    const ends = [...(await runConnector(shared, telemetry, stop)).values()]
    // Only a consumer group can assign lost streams to this process again.
    const isReplaced = placement.mode === 'single' && ends.length > 0 && ends.every(({ kind }) => kind === 'lost')
    if (isReplaced) telemetry.log('error', 'all streams lost to another process, which has the same configuration', {})
    telemetry.log('info', 'connector stopped', {})
    return isReplaced ? 1 : 0
  },
}
