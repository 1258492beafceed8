import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Registry } from 'prom-client'
import type { Clock } from '../../runtime/clock.ts'
import { type EndpointAnswer, json, text } from '../endpoints.ts'
import { secondsSince, type WatchedStream } from '../health.ts'
import type { ReplicaHealth, ReplicaWatch } from '../replica-watch.ts'
import { lookBackReports, scanReports } from '../scan-status.ts'
import { isActive } from '../stream-status.ts'
import type { RecentFailures } from './recent-failures.ts'

interface Served {
  readonly identity: Readonly<Record<'connector' | 'replica' | 'version', string>>
  /** Of `Clock.monotonic`. */
  readonly startedAt: number
  readonly clock: Clock
  readonly registry: Registry
  readonly watch: ReplicaWatch
  readonly failures: RecentFailures
}

/** The response of each path of the HTTP port. */
export function servedPaths(parts: Served): Record<string, () => EndpointAnswer | Promise<EndpointAnswer>> {
  const { registry, watch } = parts
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
  }
}

function status({ identity, startedAt, clock, watch, failures }: Served) {
  return {
    ...identity,
    time: new Date(clock.now()).toISOString(),
    uptimeSeconds: secondsSince(startedAt, clock.monotonic()),
    ...statusReport(watch.health(), watch.streams(), clock),
    recentFailures: failures.report(),
  }
}

/** What `/status` shows of the streams besides their health. */
function statusReport({ streams, ...rest }: ReplicaHealth, watched: readonly WatchedStream[], clock: Clock) {
  return { ...rest, streams: streams.map((stream, index) => ({ ...stream, ...details(watched[index], clock) })) }
}

/** Omits the position of a stream that runs elsewhere; it would be stale. */
function details(watched: WatchedStream | undefined, clock: Clock) {
  if (watched === undefined) return {}
  const { poll, status } = watched
  const { epoch, seq, lastChanged, savedAt, liveScanAt, scans, index, certificates, totals } = status
  const { delays, newestChange } = status
  if (!isActive(status)) return { totals }
  const now = clock.monotonic()
  const reading = scans && {
    backfill: scans.states.backfill.state,
    scans: scanReports(scans, poll, clock),
    lookBacks: lookBackReports(scans, poll, clock),
  }
  return {
    epoch,
    seq,
    lastChanged,
    pollSeconds: poll.intervalMs / 1000,
    maxPollSeconds: poll.maxIntervalMs / 1000,
    ...(savedAt === undefined ? {} : { checkpointAgeSeconds: secondsSince(savedAt, now) }),
    ...(liveScanAt === undefined ? {} : { secondsSinceLiveScan: secondsSince(liveScanAt, now) }),
    ...reading,
    ...(delays.length === 0 ? {} : { delay: delayReport(delays) }),
    ...(newestChange === undefined ? {} : { newestChange: new Date(newestChange).toISOString() }),
    index,
    certificates: mapDates(certificates),
    totals,
  }
}

/** Of the last changes that live scans found. */
function delayReport(delays: readonly number[]) {
  const sorted = delays.toSorted((one, other) => one - other)
  const within = (share: number) => secondsSince(0, sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
  return { changes: sorted.length, medianSeconds: within(0.5), p95Seconds: within(0.95) }
}

const mapDates = (times: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, new Date(ms).toISOString()]))

/** The status page: one file without external assets. It reads /status. */
function statusPage(): EndpointAnswer {
  const body = readFileSync(new URL('status-page.html', import.meta.url), 'utf8')
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body,
    headers: {
      'content-security-policy': policy(body),
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
  }
}

/** Allows only the page's own style and script, by their hashes, and requests to this server. */
function policy(html: string): string {
  return [
    `default-src 'none'`,
    `style-src ${hashOf(html, 'style')}`,
    `script-src ${hashOf(html, 'script')}`,
    `connect-src 'self'`,
    `img-src data:`, // its icon
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

function hashOf(html: string, tag: 'style' | 'script'): string {
  const [, text = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? []
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
