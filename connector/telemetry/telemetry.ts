import type { Registry } from 'prom-client'
import type { Observe } from '../pipeline/pipeline-event.ts'
import { type Endpoints, endpoints } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import { failureIn } from './events/event-row.ts'
import { metricsObserver, rowOfEvent, warningKinds } from './events/pipeline-events.ts'
import { rowOfReplicaEvent } from './events/replica-events.ts'
import type { ReplicaState } from './health.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import { type Log, type LoggerParts, type LogLine, logger } from './logger.ts'
import { type Metrics, processRegistry, promMetrics } from './metrics/prom-metrics.ts'
import { scrapedMetrics } from './metrics/scraped-metrics.ts'
import { type RecentFailures, recentFailures } from './page/recent-failures.ts'
import { servedPaths } from './page/served-paths.ts'
import type { ReplicaEvent } from './replica-status.ts'
import { type ReplicaHealth, type ReplicaWatch, type ReplicaWatchParts, replicaWatch } from './replica-watch.ts'
import type { WatchedPolling } from './scan-status.ts'
import { logObserver } from './stream-log.ts'

type TelemetryParts = LoggerParts & ReplicaWatchParts

/** The outputs of the connector: log lines, metrics, health. */
export interface Telemetry {
  readonly log: Log
  readonly registry: Registry
  /** The log callback for a library; only allowed fields are logged. */
  libraryLog(library: string): LibraryLog
  /** Returns the observer of one stream; call once per stream. */
  observe(stream: string, poll: WatchedPolling): Observe
  /** Called for each failed call to the checkpoint store that is retried. */
  readonly storeRetried: (error: unknown, attempt: number) => void
  /** Called when a Polaris server stops to answer correctly, and when it answers again. */
  /** Observes placement; the first assignment changes the replica state from `starting` to `running`. */
  readonly observePlacement: (event: ReplicaEvent) => void
  /** Sets and logs the state of the replica, initially `starting`; ready only while `running`. */
  replicaIs(state: ReplicaState): void
  health(): ReplicaHealth
  /** Serves the status page, /healthz, /readyz, /metrics and /status until closed; rejects as `endpoints` does. */
  listen(port: number, stop: AbortSignal): Promise<Endpoints>
}

export function createTelemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock } = parts
  const watch = replicaWatch(parts)
  const failures = recentFailures(clock)
  const log = logger(parts)
  const registry = processRegistry(connector)
  const metrics = promMetrics(registry)
  for (const kind of warningKinds) metrics.ofReplica.count('warnings', 0, { kind }) // each exists from the start
  scrapedMetrics(registry, { clock, version, replica, watch })
  const identity = { connector, replica, version }
  const startedAt = clock.monotonic()
  const served = { identity, startedAt, clock, registry, watch, failures }
  return {
    log,
    registry,
    health: watch.health,
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, poll) => {
      const count = metricsObserver(metrics.ofStream(stream))
      const writeLines = logObserver(stream, { log, clock, scans: () => watch.scans(stream) })
      const follow = watch.follow(stream, poll)
      return (event) => {
        follow(event)
        failures.note(failureIn(event, rowOfEvent(event)), stream)
        count(event)
        writeLines(event)
      }
    },
    ...replicaObservers({ log, watch, failures, metrics: metrics.ofReplica }),
    listen: (port, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ port, clock, paths: servedPaths(served), onError }, stop)
    },
  }
}

interface ObserverParts {
  readonly log: Log
  readonly watch: ReplicaWatch
  readonly failures: RecentFailures
  readonly metrics: Metrics
}

type ReplicaObservers = 'storeRetried' | 'observePlacement' | 'replicaIs'

function replicaObservers({ log, watch, failures, metrics }: ObserverParts): Pick<Telemetry, ReplicaObservers> {
  const write = (line: LogLine | undefined) => line && log(line.level, line.message, line.fields)
  const replicaIs = (state: ReplicaState) => {
    if (watch.setState(state)) log('info', `replica ${state}`, {})
  }
  return {
    replicaIs,
    storeRetried: (error, attempt) => {
      log('debug', 'checkpoint store call failed, retrying', { ...toLogFields(error), attempt })
    },
    observePlacement: (event) => {
      watch.observe(event)
      const row = rowOfReplicaEvent(event)
      failures.note(failureIn(event, row))
      row.count?.(event, metrics)
      write(row.log(event))
      if (event.kind === 'assignment-changed' && watch.state() === 'starting') replicaIs('running')
    },
  }
}
