import type { Registry } from 'prom-client'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { type Endpoints, endpoints } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import { logObserver, metricsObserver, warningKinds } from './events/pipeline-events.ts'
import { rowOfReplicaEvent } from './events/replica-events.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import { type Log, type LoggerParts, logger } from './logger.ts'
import { processRegistry, promMetrics } from './metrics/prom-metrics.ts'
import { scrapedMetrics } from './metrics/scraped-metrics.ts'
import { servedPaths } from './page/served-paths.ts'
import { type ReplicaEvent, type ReplicaState, type ReplicaStatusParts, replicaStatus } from './replica-status.ts'
import { secondsSince } from './stream-status.ts'

type TelemetryParts = LoggerParts & ReplicaStatusParts

/** The outputs of the connector: log lines, metrics, status. */
export interface Telemetry {
  readonly log: Log
  readonly registry: Registry
  /** The log callback for a library; only allowed fields are logged. */
  libraryLog(library: string): LibraryLog
  /** Returns the observer of one stream; call once per stream. */
  observe(stream: string, poll: { readonly intervalMs: number }): Observe
  /** Called for each failed call to the checkpoint store that is retried. */
  readonly storeRetried: (error: unknown, attempt: number) => void
  /** Observes placement; the first assignment changes the replica state from `starting` to `running`. */
  readonly observePlacement: (event: ReplicaEvent) => void
  /** Sets and logs the state of the replica, initially `starting`; ready only while `running`. */
  replicaIs(state: ReplicaState): void
  /** What `/status` and `/readyz` show. */
  status(): ReturnType<ReturnType<typeof replicaStatus>['report']>
  /** Serves the status page, /healthz, /readyz, /metrics and /status until closed; rejects as `endpoints` does. */
  listen(port: number, stop: AbortSignal): Promise<Endpoints>
}

export function createTelemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock } = parts
  const status = replicaStatus(parts)
  const log = logger(parts)
  const registry = processRegistry(connector)
  const metrics = promMetrics(registry)
  for (const kind of warningKinds) metrics.ofReplica.count('warnings', 0, { kind }) // each exists from the start
  scrapedMetrics(registry, { clock, version, replica, status })
  const startedAt = clock.monotonic()
  const now = () => {
    const [time, uptimeSeconds] = [new Date(clock.now()).toISOString(), secondsSince(startedAt, clock.monotonic())]
    return { connector, replica, version, time, uptimeSeconds, ...status.report() }
  }
  const replicaIs = (state: ReplicaState) => {
    if (status.setState(state)) log('info', `replica ${state}`, {})
  }
  return {
    log,
    registry,
    status: now,
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, { intervalMs }) => {
      const observers = [
        status.follow(stream, intervalMs),
        metricsObserver(metrics.ofStream(stream)),
        logObserver(stream, { log, clock }),
      ]
      return (event) => {
        for (const observe of observers) observe(event)
      }
    },
    replicaIs,
    storeRetried: (error, attempt) =>
      log('debug', 'checkpoint store call failed, retrying', { ...toLogFields(error), attempt }),
    observePlacement: (event) => {
      status.observe(event)
      const row = rowOfReplicaEvent(event)
      row.count?.(event, metrics.ofReplica)
      const line = row.log(event)
      if (line !== undefined) log(line.level, line.message, line.fields)
      if (event.kind === 'assignment-changed' && status.state() === 'starting') replicaIs('running')
    },
    listen: (port, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ port, paths: servedPaths({ status: now, registry }), onError }, stop)
    },
  }
}
