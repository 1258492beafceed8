import { runConnector } from '../compose/run-connector.ts'
import type { SharedResources } from '../compose/shared-resources.ts'
import type { StreamConfig } from '../config/connector-config.ts'
import { CONTRACT_MAJOR } from '../event/client-event.ts'
import { schemaFiles } from '../event/event-schema.ts'
import { linkedAbort } from '../runtime/abort.ts'
import { collectWhenIdle, thisProcess } from '../runtime/memory/idle-memory.ts'
import { json } from '../telemetry/endpoints.ts'
import { type Command, configOption } from './command.ts'
import { openReplica } from './command-resources.ts'
import { readFields, streamSchema } from './stream-fields.ts'

export const run: Command = {
  name: 'run',
  summary: 'publish modified clients to Kafka until stopped',
  usage:
    'Runs the configured streams, which it shares with the other replicas, and serves the status\n' +
    'page (/), /healthz, /readyz, /metrics, /status and the schemas below /contract.\n' +
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
    const listening = await telemetry.listen({ ...http, paths: contractPaths(shared, stop) }, stop)
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

/** The schemas of the contract, below the path that `contract.url` may name. */
function contractPaths(shared: SharedResources, stop: AbortSignal) {
  const files = Object.entries(schemaFiles()).map(([path, schema]) => [path, () => json(200, schema)] as const)
  const ofStreams = shared.config.streams.map(
    (stream) => [`v${CONTRACT_MAJOR}/streams/${stream.name}.schema.json`, servedSchema(stream, shared, stop)] as const,
  )
  return Object.fromEntries([...files, ...ofStreams].map(([path, answer]) => [`/contract/${path}`, answer]))
}

const SCHEMA_FOR_MS = 60_000

/** Whoever reaches the port may ask: the store is asked once a minute. */
function servedSchema(stream: StreamConfig, shared: SharedResources, stop: AbortSignal) {
  const { clock } = shared
  let [answer, readAt] = [Promise.resolve(json(404, { error: 'no client was published yet' })), -Infinity]
  const read = async () => {
    const found = await readFields(stream, shared, stop).catch(() => 'unavailable' as const)
    if (found === 'unavailable') return json(503, { error: 'the checkpoint store is unavailable' })
    return found === undefined
      ? json(404, { error: 'no client was published yet' })
      : json(200, streamSchema(stream, found))
  }
  return () => {
    if (clock.monotonic() - readAt >= SCHEMA_FOR_MS) [answer, readAt] = [read(), clock.monotonic()]
    return answer
  }
}
