import type { Registry } from 'prom-client'
import type { ControlEvent } from '../control/control-watch.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ServerEvent } from '../runtime/circuit.ts'
import { controlLine } from './control-status.ts'
import { type EndpointAnswer, type Endpoints, endpoints } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import { explaining, runbookLink } from './failure.ts'
import type { ReplicaEvent } from './group-status.ts'
import type { ReplicaState } from './health.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import { type Log, type LoggerParts, type LogLine, logger } from './logger.ts'
import { metricsObserver, replicaMetrics } from './metrics/observed-metrics.ts'
import { processRegistry } from './metrics/process-metrics.ts'
import { promMetrics } from './metrics/prom-metrics.ts'
import { scrapedMetrics } from './metrics/scraped-metrics.ts'
import { recentFailures } from './page/recent-failures.ts'
import { recentHour } from './page/recent-hour.ts'
import { servedPaths } from './page/served-paths.ts'
import { configurationLines, replicaLine, serverLine } from './replica-log.ts'
import { type ReplicaHealth, type ReplicaWatch, type ReplicaWatchParts, replicaWatch } from './replica-watch.ts'
import type { WatchedPolling } from './scan-status.ts'
import { logObserver } from './stream-log.ts'

type TelemetryParts = LoggerParts & ReplicaWatchParts & { readonly nodeMetrics?: boolean }

interface ListenAt {
  readonly host: string
  readonly port: number
  /** Responses of other paths. */
  readonly paths?: Readonly<Record<string, () => EndpointAnswer>>
}

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
  readonly serverChanged: (event: ServerEvent) => void
  /** Observes placement; the first assignment changes the replica state from `starting` to `running`. */
  readonly observePlacement: (event: ReplicaEvent) => void
  /** Observes the control object. */
  readonly observeControl: (event: ControlEvent) => void
  /** Sets and logs the state of the replica, initially `starting`; ready only while `running`. */
  replicaIs(state: ReplicaState): void
  health(): ReplicaHealth
  /** Serves the status page, /healthz, /readyz, /metrics, /status and `paths` until closed; rejects as `endpoints` does. */
  listen(at: ListenAt, stop: AbortSignal): Promise<Endpoints>
}

export function createTelemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock, nodeMetrics = false, runbookUrl } = parts
  const watch = replicaWatch(parts)
  const [hour, failures] = [recentHour(clock), recentFailures(clock)]
  const log = withRunbook(logger(parts), runbookUrl)
  const write = ({ level, message, fields }: LogLine) => log(level, message, fields)
  const registry = processRegistry(connector, { nodeMetrics })
  const metrics = promMetrics(registry)
  const countReplica = replicaMetrics(metrics)
  scrapedMetrics(registry, { clock, version, replica, watch })
  const identity = { connector, replica, version }
  const startedAt = clock.monotonic()
  const served = { identity, startedAt, clock, registry, watch, hour, failures, explain: explaining(runbookUrl) }
  const replicaIs = (state: ReplicaState) => {
    if (watch.setState(state)) log('info', replicaLines[state], {})
  }

  return {
    ...{ log, registry, replicaIs, health: watch.health, observeControl: controlObserver(watch, write) },
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, poll) =>
      combined([
        watch.follow(stream, poll),
        hour.follow(stream),
        (event) => failures.note(event, stream),
        metricsObserver(metrics, stream),
        logObserver(stream, { log, clock, scans: () => watch.scans(stream) }),
      ]),
    serverChanged: (event) => write(serverLine(event)),
    storeRetried: (error, attempt) => {
      metrics.count('storeRetries', {})
      log('debug', 'checkpoint store call failed, retrying', { ...toLogFields(error), attempt })
    },
    observePlacement: (event) => {
      const before = watch.group()
      watch.observe(event)
      failures.note(event)
      countReplica(event)
      for (const line of [replicaLine(event), ...configurationLines(before, watch.group())]) write(line)
      if (event.kind === 'assignment-changed' && watch.state() === 'starting') replicaIs('running')
    },
    listen: (at, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ ...at, clock, paths: { ...servedPaths(served), ...at.paths }, onError }, stop)
    },
  }
}

function controlObserver(watch: ReplicaWatch, write: (line: LogLine) => void): Telemetry['observeControl'] {
  return (event) => {
    watch.observeControl(event)
    const line = controlLine(event)
    if (line !== undefined) write(line)
  }
}

const replicaLines: Readonly<Record<ReplicaState, string>> = {
  starting: 'replica starting',
  running: 'replica running',
  stopping: 'replica stopping',
}

function combined<Event>(observers: readonly ((event: Event) => void)[]): (event: Event) => void {
  return (event) => {
    for (const observe of observers) observe(event)
  }
}

/** Adds to each line with an error code its section of the runbook. */
function withRunbook(log: Log, runbookUrl: string | undefined): Log {
  if (runbookUrl === undefined) return log
  return (level, message, fields) => {
    const link = typeof fields.code === 'string' ? runbookLink(runbookUrl, fields.code) : {}
    log(level, message, { ...fields, ...link })
  }
}
