import { HOUR_MS } from '../../runtime/units.ts'
import type { ScanSettings } from '../../scan/scan-settings.ts'
import { type CheckResult, ok, warning } from './finding.ts'

/** How often streams ask one server. */
interface RequestingStream {
  readonly polaris: { readonly url: string; readonly requestsPerSecond?: number | undefined }
  readonly poll: Pick<ScanSettings, 'intervalMs' | 'maxIntervalMs' | 'lookBacks'>
}

/** How many requests an hour this configuration sends to each server, without the pages of long scans. Pure. */
export function judgeRequests(streams: readonly RequestingStream[]): CheckResult {
  const servers = [...Map.groupBy(streams, ({ polaris }) => new URL(polaris.url).origin)]
  const found = servers.map(([origin, ofServer]) => ({ origin, ofServer, ...requestsOf(ofServer) }))
  const detail = found
    .map(({ origin, ofServer, busy, quiet }) => {
      const count = ofServer.length === 1 ? '' : `, ${ofServer.length} streams`
      return `${origin}${count}: about ${busy} requests an hour while clients change, ${quiet} while they do not`
    })
    .join('; ')
  const tooMany = found.filter(({ ofServer, busy }) => busy > limitOf(ofServer))
  const whole = `${detail}; one more for each page of a backfill or full scan`
  if (tooMany.length === 0) return ok(whole)
  return warning(
    `${whole}; more than polaris.requestsPerSecond allows: ${tooMany.map(({ origin }) => origin).join(', ')}`,
    'raise poll.interval or polaris.requestsPerSecond: live scans would wait',
  )
}

function requestsOf(streams: readonly RequestingStream[]): { readonly busy: number; readonly quiet: number } {
  const total = (everyMs: (poll: RequestingStream['poll']) => number) =>
    Math.round(streams.reduce((sum, { poll }) => sum + HOUR_MS / everyMs(poll) + lookBacks(poll), 0))
  return { busy: total(({ intervalMs }) => intervalMs), quiet: total(({ maxIntervalMs }) => maxIntervalMs) }
}

const lookBacks = (poll: RequestingStream['poll']) =>
  poll.lookBacks.reduce((sum, { everyMs }) => sum + HOUR_MS / everyMs, 0)

const limitOf = ([first]: readonly RequestingStream[]) =>
  (first?.polaris.requestsPerSecond ?? Number.POSITIVE_INFINITY) * 3600
