import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { Clock } from '../runtime/clock.ts'
import { type EndpointAnswer, type Endpoints, endpoints, json, text } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import { type Health, health, type ReplicaState, secondsSince, type WatchedStream } from './health.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import type { Log } from './log.ts'
import { logObserver } from './log-observer.ts'
import { type LoggerParts, logger } from './logger.ts'
import { metricsObserver, pipelineMetrics } from './metrics.ts'
import { scrapedMetrics } from './scraped-metrics.ts'
import { streamStatus, unobserved } from './stream-status.ts'

export interface TelemetryParts extends LoggerParts {
  readonly clock: Clock
  /** How long a stream may go without progress before the replica is not ready; at least three of its poll intervals. */
  readonly readyAfterMs: number
}

/** What the connector tells the outside: log lines, metrics, health. */
export interface Telemetry {
  readonly log: Log
  readonly registry: Registry
  /** The log callback for a library, which may tell anything: only listed fields pass. */
  libraryLog(library: string): LibraryLog
  /** Where the events of one stream go; call once per stream. */
  observe(stream: string, options: { readonly pollIntervalMs: number }): Observe
  /** Says, and logs, what this replica is doing; `starting` at first, and not ready until it is `running`. */
  replicaIs(state: ReplicaState): void
  health(): Health
  /** Serves /healthz, /readyz, /metrics and /status until closed. As `endpoints`. */
  listen(at: { readonly host: string; readonly port: number }, stop: AbortSignal): Promise<Endpoints>
}

export function telemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock, readyAfterMs } = parts
  const startedAt = clock.monotonic()
  const streams = new Map<string, WatchedStream>()
  let replicaState: ReplicaState = 'starting'
  const log = logger(parts)
  const registry = processRegistry(connector)
  const metrics = pipelineMetrics(registry)
  const watched = () => [...streams.values()]
  const now = () => health({ replicaState, streams: watched(), readyAfterMs }, clock.monotonic())
  scrapedMetrics(registry, { clock, version, replica, streams: watched, isReady: () => now().ready })
  const status = () => ({
    connector,
    replica,
    version,
    uptimeSeconds: secondsSince(startedAt, clock.monotonic()),
    ...fullStatus(now(), watched(), clock.monotonic()),
  })

  return {
    log,
    registry,
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, { pollIntervalMs }) => {
      streams.set(stream, { stream, pollIntervalMs, status: { ...unobserved, begunAt: clock.monotonic() } })
      const follow: Observe = (event) => {
        const before = streams.get(stream)?.status ?? unobserved
        streams.set(stream, { stream, pollIntervalMs, status: streamStatus(before, event, clock.monotonic()) })
      }
      return together([follow, metricsObserver(metrics, stream), logObserver(stream, { log, clock })])
    },
    replicaIs: (state) => {
      if (state !== replicaState) log('info', replicaLines[state], {})
      replicaState = state
    },
    health: now,
    listen: ({ host, port }, stop) =>
      endpoints(
        {
          host,
          port,
          clock,
          paths: paths({ health: now, registry, status }),
          onError: (error) => log('warn', 'health endpoint failed', toLogFields(error)),
        },
        stop,
      ),
  }
}

const replicaLines: Readonly<Record<ReplicaState, string>> = {
  starting: 'replica starting',
  running: 'replica running',
  stopping: 'replica stopping',
}

function processRegistry(connector: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ connector })
  collectDefaultMetrics({ register: registry })
  return registry
}

function together(observers: readonly Observe[]): Observe {
  return (event) => {
    for (const observe of observers) observe(event)
  }
}

function paths(from: { health: () => Health; registry: Registry; status: () => unknown }) {
  const { registry } = from
  return {
    // The event loop answered: that is all that is asked.
    '/healthz': () => text(200, 'ok'),
    '/readyz': () => {
      const found = from.health()
      return json(found.ready ? 200 : 503, found)
    },
    '/metrics': async (): Promise<EndpointAnswer> => ({
      status: 200,
      type: registry.contentType,
      body: await registry.metrics(),
    }),
    '/status': () => json(200, from.status()),
  }
}

function fullStatus({ streams, ...rest }: Health, watched: readonly WatchedStream[], now: number) {
  const details = watched.map(({ status: { epoch, seq, lastChanged, savedAt, totals } }) => ({
    epoch,
    seq,
    lastChanged,
    ...(savedAt === undefined ? {} : { checkpointAgeSeconds: secondsSince(savedAt, now) }),
    totals,
  }))
  return { ...rest, streams: streams.map((stream, index) => ({ ...stream, ...details[index] })) }
}
