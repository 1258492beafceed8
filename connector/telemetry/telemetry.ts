import { collectDefaultMetrics, Registry } from 'prom-client'
import type { ControlEvent } from '../control/control-watch.ts'
import type { Observe } from '../pipeline/pipeline-event.ts'
import type { ServerEvent } from '../runtime/circuit.ts'
import type { Clock } from '../runtime/clock.ts'
import { controlLine, controlReport } from './control-status.ts'
import { type EndpointAnswer, type Endpoints, endpoints, json, text } from './endpoints.ts'
import { toLogFields } from './error-fields.ts'
import type { ReplicaEvent } from './group-status.ts'
import { type Health, type ReplicaState, secondsSince, type WatchedStream } from './health.ts'
import { type LibraryLog, libraryLog } from './library-log.ts'
import { type Log, type LoggerParts, type LogLine, logger } from './logger.ts'
import { metricsObserver, pipelineMetrics, replicaMetrics } from './metrics.ts'
import { configurationLines, replicaLine, serverLine } from './replica-log.ts'
import { type ReplicaHealth, type ReplicaWatch, type ReplicaWatchParts, replicaWatch } from './replica-watch.ts'
import { lookBackReports, scanReports, type WatchedPolling } from './scan-status.ts'
import { scrapedMetrics } from './scraped-metrics.ts'
import { logObserver } from './stream-log.ts'
import { isActive } from './stream-status.ts'

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
  readonly serverChanged: (event: ServerEvent) => void
  /** Observes placement; the first assignment changes the replica state from `starting` to `running`. */
  readonly observePlacement: (event: ReplicaEvent) => void
  /** Observes the control object. */
  readonly observeControl: (event: ControlEvent) => void
  /** Sets and logs the state of the replica, initially `starting`; ready only while `running`. */
  replicaIs(state: ReplicaState): void
  health(): ReplicaHealth
  /** Serves /healthz, /readyz, /metrics and /status until closed; rejects as `endpoints` does. */
  listen(at: { readonly host: string; readonly port: number }, stop: AbortSignal): Promise<Endpoints>
}

export function createTelemetry(parts: TelemetryParts): Telemetry {
  const { connector, replica, version, clock } = parts
  const startedAt = clock.monotonic()
  const watch = replicaWatch(parts)
  const log = logger(parts)
  const write = ({ level, message, fields }: LogLine) => log(level, message, fields)
  const registry = processRegistry(connector)
  const metrics = pipelineMetrics(registry)
  const countReplica = replicaMetrics(metrics)
  scrapedMetrics(registry, { clock, version, replica, watch })
  const status = () => ({
    ...{ connector, replica, version },
    uptimeSeconds: secondsSince(startedAt, clock.monotonic()),
    ...fullStatus(watch.health(), watch.streams(), clock),
    control: controlReport(watch.control()),
  })
  const replicaIs = (state: ReplicaState) => {
    if (watch.setState(state)) log('info', replicaLines[state], {})
  }

  return {
    ...{ log, registry, replicaIs, health: watch.health, observeControl: controlObserver(watch, write) },
    libraryLog: (library) => libraryLog(log, library),
    observe: (stream, poll) =>
      combined([
        watch.follow(stream, poll),
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
      countReplica(event)
      for (const line of [replicaLine(event), ...configurationLines(before, watch.group())]) write(line)
      if (event.kind === 'assignment-changed' && watch.state() === 'starting') replicaIs('running')
    },
    listen: (at, stop) => {
      const onError = (error: unknown) => log('warn', 'health endpoint failed', toLogFields(error))
      return endpoints({ ...at, clock, paths: paths({ health: watch.health, registry, status }), onError }, stop)
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

function processRegistry(connector: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ connector })
  collectDefaultMetrics({ register: registry })
  return registry
}

function combined(observers: readonly Observe[]): Observe {
  return (event) => {
    for (const observe of observers) observe(event)
  }
}

function paths(from: { health: () => Health; registry: Registry; status: () => unknown }) {
  const { registry } = from
  return {
    // Liveness: proves only that the event loop runs.
    '/healthz': () => text(200, 'ok'),
    '/readyz': () => {
      const health = from.health()
      return json(health.ready ? 200 : 503, health)
    },
    '/metrics': async (): Promise<EndpointAnswer> => ({
      status: 200,
      type: registry.contentType,
      body: await registry.metrics(),
    }),
    '/status': () => json(200, from.status()),
  }
}

function fullStatus({ streams, ...rest }: Health, watched: readonly WatchedStream[], clock: Clock) {
  return { ...rest, streams: streams.map((stream, index) => ({ ...stream, ...details(watched[index], clock) })) }
}

/** Omits the position of a stream that runs elsewhere; it would be stale. */
function details(watched: WatchedStream | undefined, clock: Clock) {
  if (watched === undefined) return {}
  const { poll, status } = watched
  const { epoch, seq, lastChanged, savedAt, liveScanAt, scans, index, certificates, totals } = status
  if (!isActive(status)) return { totals }
  const now = clock.monotonic()
  const reading = scans && {
    backfill: scans.states.backfill,
    scans: scanReports(scans, poll, clock),
    lookBacks: lookBackReports(scans, poll, clock),
  }
  return {
    ...{ epoch, seq, lastChanged },
    ...(savedAt === undefined ? {} : { checkpointAgeSeconds: secondsSince(savedAt, now) }),
    ...(liveScanAt === undefined ? {} : { secondsSinceLiveScan: secondsSince(liveScanAt, now) }),
    ...{ ...reading, index, certificates: mapDates(certificates), totals },
  }
}

const mapDates = (times: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, new Date(ms).toISOString()]))
