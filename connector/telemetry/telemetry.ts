import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { type EndpointAnswer, type Endpoints, endpoints, json, text } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import type { ReplicaEvent } from './group-status.ts'
import { type Health, type ReplicaState, secondsSince, type WatchedStream } from './health.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import type { Log } from './log.ts'
import { logObserver } from './log-observer.ts'
import { type LoggerParts, logger } from './logger.ts'
import { metricsObserver, pipelineMetrics, replicaMetrics } from './metrics.ts'
import { replicaLine } from './replica-lines.ts'
import { type ReplicaHealth, type ReplicaWatchParts, replicaWatch } from './replica-watch.ts'
import { scrapedMetrics } from './scraped-metrics.ts'
import { isActive } from './stream-status.ts'

export type TelemetryParts = LoggerParts & ReplicaWatchParts

/** What the connector tells the outside: log lines, metrics, health. */
export interface Telemetry {
  readonly log: Log
  readonly registry: Registry
  /** The log callback for a library, which may tell anything: only listed fields pass. */
  libraryLog(library: string): LibraryLog
  /** Where the events of one stream go; call once per stream. */
  observe(stream: string, options: { readonly pollIntervalMs: number }): Observe
  /** Hears of calls to the checkpoint store that failed and are tried again. */
  readonly storeRetried: (error: unknown, attempt: number) => void
  /** Where the events of placement go; the first assignment makes a replica that starts one that runs. */
  readonly observePlacement: (event: ReplicaEvent) => void
  /** Says, and logs, what this replica is doing; `starting` at first, and not ready until it is `running`. */
  replicaIs(state: ReplicaState): void
  health(): ReplicaHealth
  /** Serves /healthz, /readyz, /metrics and /status until closed. As `endpoints`. */
  listen(at: { readonly host: string; readonly port: number }, stop: AbortSignal): Promise<Endpoints>
}

export function telemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock } = parts
  const startedAt = clock.monotonic()
  const watch = replicaWatch(parts)
  const log = logger(parts)
  const registry = processRegistry(connector)
  const metrics = pipelineMetrics(registry)
  const countReplica = replicaMetrics(metrics)
  scrapedMetrics(registry, { clock, version, replica, watch })
  const status = () => ({
    connector,
    replica,
    version,
    uptimeSeconds: secondsSince(startedAt, clock.monotonic()),
    ...fullStatus(watch.health(), watch.streams(), clock.monotonic()),
  })
  const replicaIs = (state: ReplicaState) => {
    if (watch.becomes(state)) log('info', replicaLines[state], {})
  }

  return {
    log,
    registry,
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, { pollIntervalMs }) =>
      together([
        watch.follow(stream, pollIntervalMs),
        metricsObserver(metrics, stream),
        logObserver(stream, { log, clock }),
      ]),
    storeRetried: (error, attempt) => {
      metrics.count('storeRetries', {})
      log('debug', 'the checkpoint store failed, trying again', { ...toLogFields(error), attempt })
    },
    observePlacement: (event) => {
      watch.take(event)
      countReplica(event)
      const { level, message, fields } = replicaLine(event)
      log(level, message, fields)
      if (event.kind === 'assignment-changed' && watch.state() === 'starting') replicaIs('running')
    },
    replicaIs,
    health: watch.health,
    listen: (at, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ ...at, clock, paths: paths({ health: watch.health, registry, status }), onError }, stop)
    },
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
  return { ...rest, streams: streams.map((stream, index) => ({ ...stream, ...details(watched[index], now) })) }
}

/** Where a stream stands is not told of one that is elsewhere by now: it has moved on there. */
function details(watched: WatchedStream | undefined, now: number) {
  if (watched === undefined) return {}
  const { epoch, seq, lastChanged, savedAt, totals } = watched.status
  if (!isActive(watched.status) && watched.status.state !== 'stopped') return { totals }
  const age = savedAt === undefined ? {} : { checkpointAgeSeconds: secondsSince(savedAt, now) }
  return { epoch, seq, lastChanged, ...age, totals }
}
