import type { Registry } from 'prom-client'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { hintFor, type NamesOfHint } from '../runtime/error-catalogue.ts'
import { type Endpoints, endpoints, servedPaths } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import { logObserver, metricsObserver, rowOfReplicaEvent, warningKinds } from './events/event-observers.ts'
import { type Log, type LoggerParts, logger } from './logger.ts'
import { processRegistry, promMetrics, scrapedMetrics } from './metrics.ts'
import {
  type ReplicaEvent,
  type ReplicaReport,
  type ReplicaState,
  type ReplicaStatus,
  type ReplicaStatusParts,
  replicaStatus,
} from './replica-status.ts'
import { type Polling, secondsSince } from './stream-status.ts'

type TelemetryParts = LoggerParts & ReplicaStatusParts

/** The outputs of the connector: log lines, metrics, status. */
export interface Telemetry {
  readonly log: Log
  readonly registry: Registry
  /** Returns what `/status` and `/readyz` show: the report, and who makes it. */
  status(): ReplicaReport
  /** Returns the observer of one stream, once for each stream. */
  observe(stream: string, polling: Polling): Observe
  /** Sets and logs the state of the replica, initially `starting`; it is ready only while `running`. */
  setReplicaState(state: ReplicaState): void
  logStoreRetry(error: unknown, attempt: number): void
  /** Observes the placement. The first assignment changes the replica state from `starting` to `running`. */
  observePlacement(event: ReplicaEvent): void
  /** Serves the status page, /healthz, /readyz, /metrics and /status until closed; rejects as `endpoints` does. */
  listen(port: number, stop: AbortSignal): Promise<Endpoints>
}

function withNamesInHint<Fields extends { readonly hint?: unknown }>(fields: Fields, names: NamesOfHint): Fields {
  return typeof fields.hint === 'string' ? { ...fields, hint: hintFor(fields.hint, names) } : fields
}

/** Returns the function that reports what `/status` shows. */
function reporter({ connector, replica, version, clock }: TelemetryParts, status: ReplicaStatus): Telemetry['status'] {
  const startedAt = clock.monotonic()
  return () => {
    const time = new Date(clock.now()).toISOString()
    const report = status.report()
    const streams = report.streams.map((one) => withNamesInHint(one, { connector, stream: one.stream }))
    const uptimeSeconds = secondsSince(startedAt, clock.monotonic())
    return { connector, replica, version, time, uptimeSeconds, ...report, streams }
  }
}

export function createTelemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock } = parts
  const status = replicaStatus(parts)
  const log = logger(parts)
  const registry = processRegistry(connector)
  const metrics = promMetrics(registry)
  for (const kind of warningKinds) metrics.ofReplica.count('warnings', 0, { kind }) // each exists from the start
  scrapedMetrics(registry, { clock, version, replica, status })
  const report = reporter(parts, status)
  const setReplicaState = (state: ReplicaState) => {
    if (status.setState(state)) log('info', `replica ${state}`, {})
  }
  return {
    log,
    registry,
    status: report,
    observe: (stream, polling) => {
      const observers = [
        status.follow(stream, polling),
        metricsObserver(metrics.ofStream(stream)),
        logObserver(stream, {
          log: (level, message, fields) => log(level, message, withNamesInHint(fields, { connector, stream })),
          clock,
        }),
      ]
      return (event) => {
        for (const observe of observers) observe(event)
      }
    },
    setReplicaState,
    logStoreRetry: (error, attempt) =>
      log('debug', 'checkpoint store call failed, retrying', { ...toLogFields(error), attempt }),
    observePlacement: (event) => {
      status.observe(event)
      const row = rowOfReplicaEvent(event)
      row.count?.(event, metrics.ofReplica)
      const line = row.log?.(event)
      if (line !== undefined) log(line.level, line.message, line.fields)
      if (event.kind === 'assignment-changed' && status.state() === 'starting') setReplicaState('running')
    },
    listen: (port, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ port, paths: servedPaths(registry, report), onError }, stop)
    },
  }
}
