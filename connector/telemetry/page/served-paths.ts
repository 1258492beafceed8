import type { Registry } from 'prom-client'
import type { Clock } from '../../runtime/clock.ts'
import { controlReport } from '../control-status.ts'
import { type EndpointAnswer, json, text } from '../endpoints.ts'
import type { Explain } from '../failure.ts'
import { secondsSince } from '../health.ts'
import type { ReplicaWatch } from '../replica-watch.ts'
import type { RecentFailures } from './recent-failures.ts'
import type { RecentHour } from './recent-hour.ts'
import { statusPage } from './status-page.ts'
import { statusReport } from './status-report.ts'

interface Served {
  readonly identity: Readonly<Record<'connector' | 'replica' | 'version', string>>
  /** Of `Clock.monotonic`. */
  readonly startedAt: number
  readonly clock: Clock
  readonly registry: Registry
  readonly watch: ReplicaWatch
  readonly hour: RecentHour
  readonly failures: RecentFailures
  readonly explain: Explain
}

/** The response of each path of the HTTP port. */
export function servedPaths(parts: Served): Record<string, () => EndpointAnswer | Promise<EndpointAnswer>> {
  const { registry, watch, hour } = parts
  const page = statusPage()
  return {
    '/': () => page,
    // Liveness: proves only that the event loop runs.
    '/healthz': () => text(200, 'ok'),
    '/readyz': () => {
      const health = watch.health()
      return json(health.ready ? 200 : 503, health)
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    '/status': () => json(200, status(parts)),
    '/status/hour': () => json(200, hour.report()),
  }
}

function status({ identity, startedAt, clock, watch, failures, explain }: Served) {
  return {
    ...identity,
    time: new Date(clock.now()).toISOString(),
    uptimeSeconds: secondsSince(startedAt, clock.monotonic()),
    ...statusReport(watch.health(), watch.streams(), clock),
    control: controlReport(watch.control(), explain),
    recentFailures: failures.report(explain),
  }
}
