import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { ScanStates } from '../../scan/scan-state.ts'
import type { Metrics } from '../metrics/prom-metrics.ts'
import { clientsOf, watchedScans } from '../scan-status.ts'
import { noFailure, type StreamStatus } from '../stream-status.ts'
import { info, line, picked, trace, unlogged, warn } from './event-row.ts'
import { countFailure, type EventOf, failing, type StreamRows } from './stream-rows.ts'

/** Requests, pages and page groups. */
export const pageRows = {
  'page-read': {
    log: trace('page read', 'scan', 'clients', 'limit', 'bytes', 'tookMs'),
    count: countPage,
    status: ({ clients }, { totals }, at) => ({
      goodPollAt: at,
      totals: { ...totals, pages: totals.pages + 1, clients: totals.clients + clients },
    }),
  },
  'certificate-seen': {
    log: unlogged,
    status: ({ certificate, expiresAt }, { certificates }) => ({
      certificates: { ...certificates, [certificate]: expiresAt },
    }),
  },
  'characters-replaced': {
    log: warn('Polaris sends characters that XML forbids: publishing the replacement character instead', 'characters'),
    logged: 'once',
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
    isFailure: true,
    count: countFailure,
    status: failing,
  },
  'read-recovered': { log: info('reading works again', 'failures', 'failedForMs') },
  'caught-up': {
    log: info('caught up', 'clients', 'pages', 'tookMs'),
    status: (_event, _before, at) => ({ isCaughtUp: true, liveScanAt: at }),
  },
  'fell-behind': { log: info('fell behind'), status: () => ({ isCaughtUp: false }) },
  'pages-published': {
    log: ({ scans, ...event }) =>
      line('trace', 'page group published', {
        ...picked(event, ['pages', 'deadLetters', 'bytes', 'tookMs', 'seq']),
        events: clientsOf(scans, 'events'),
        suppressed: clientsOf(scans, 'suppressed'),
        superseded: clientsOf(scans, 'superseded'),
      }),
    count: countPublished,
    status: pagesPublished,
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

function pagesPublished(event: EventOf<'pages-published'>, before: StreamStatus, at: number): Partial<StreamStatus> {
  const { scans, deadLetters, delays, newestChange, seq, states, index } = event
  const { totals } = before
  const events = clientsOf(scans, 'events')
  const hasCommitted = events + deadLetters > 0 // a page group with nothing to publish commits nothing
  return {
    ...noFailure,
    progressAt: at,
    savedAt: hasCommitted ? at : before.savedAt,
    liveScanAt: hasLiveScanEnded(before.scans?.states, states) ? at : before.liveScanAt,
    seq,
    scans: watchedScans(before.scans, states, at),
    backedOff: backedOff(before.backedOff, states, at),
    index,
    delays: [...before.delays, ...delays].slice(-KEPT_DELAYS),
    newestChange: newer(before.newestChange, newestChange),
    totals: {
      ...totals,
      events: totals.events + events,
      deadLetters: totals.deadLetters + deadLetters,
      suppressed: totals.suppressed + clientsOf(scans, 'suppressed'),
      superseded: totals.superseded + clientsOf(scans, 'superseded'),
    },
  }
}

/** After so many failures in a row without progress. */
const BACKED_OFF_AFTER = 3

function backedOff(before: StreamStatus['backedOff'], { background }: ScanStates, at: number) {
  const lanes = background.filter(({ failures }) => failures >= BACKED_OFF_AFTER).map(({ kind }) => kind)
  return Object.fromEntries(lanes.map((lane) => [lane, before[lane] ?? at]))
}

const newer = (one = 0, other = 0): number | undefined => Math.max(one, other) || undefined

/** Those of the last changes show how the stream does now. */
const KEPT_DELAYS = 500

/** A live scan that continues in the background has not ended. */
function hasLiveScanEnded(before: ScanStates | undefined, { live, background }: ScanStates): boolean {
  if (before === undefined || before.live.startedAt === live.startedAt) return false
  return !background.some(({ kind, startedAt }) => kind === 'live' && startedAt === live.startedAt)
}
