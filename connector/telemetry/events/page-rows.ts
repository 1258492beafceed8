import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { Metrics } from '../metrics/prom-metrics.ts'
import { clientsOf, countFailure, info, line, picked, trace, unlogged, warn } from './event-row.ts'
import type { EventOf, StreamRows } from './stream-rows.ts'

/** Requests, pages and page groups. */
export const pageRows = {
  'page-read': {
    log: trace('page read', 'scan', 'clients', 'limit', 'bytes', 'tookMs'),
    count: countPage,
  },
  'characters-replaced': {
    log: warn('Polaris sends characters that XML forbids: publishing the replacement character instead', 'characters'),
    logged: 'hourly',
    count: ({ characters }, metrics) => metrics.count('replacedCharacters', characters),
  },
  'response-received': {
    log: unlogged,
    count: ({ status }, metrics) => metrics.count('responses', 1, { status: String(status) }),
  },
  // Only the first failure of an outage is a warning; metrics count the others.
  'read-retried': {
    log: (event) =>
      line(
        event.attempt === 1 ? 'warn' : 'debug',
        'reading a page failed, retrying',
        picked(event, ['error', 'attempt']),
      ),
    count: countFailure,
  },
  'read-recovered': { log: info('reading works again', 'failures', 'failedForMs') },
  'caught-up': {
    log: info('caught up', 'clients', 'pages', 'tookMs'),
  },
  'fell-behind': { log: info('fell behind') },
  'pages-published': {
    log: trace('page group published', 'pages', 'deadLetters', 'bytes', 'tookMs', 'seq'),
    count: countPublished,
  },
} satisfies Partial<StreamRows<PipelineEvent['kind']>>

function countPage({ scan, clients, tookMs }: EventOf<'page-read'>, metrics: Metrics): void {
  metrics.count('pages', 1, { lane: scan })
  metrics.count('clients', clients)
  metrics.measure('read', tookMs)
}

function countPublished(event: EventOf<'pages-published'>, metrics: Metrics): void {
  const { scans, deadLetters, tookMs, delays } = event
  for (const ms of delays) metrics.measure('changeDelay', ms)
  metrics.count('suppressed', clientsOf(scans, 'suppressed'))
  for (const [scan, { events, superseded }] of scans) {
    metrics.count('events', events, { lane: scan })
    metrics.count('superseded', superseded, { lane: scan })
  }
  if (clientsOf(scans, 'events') + deadLetters === 0) return
  metrics.count('deadLetters', deadLetters)
  metrics.measure('publish', tookMs)
}
