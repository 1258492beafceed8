import type { LogLevel, LogLine } from '../logger.ts'
import { info, line, picked, warn } from './event-row.ts'
import type { EventOf, StreamRows } from './stream-rows.ts'

type RemovalKind = 'full-scan-compared' | 'missing-clients' | 'clients-removed' | 'removals-wait'

/** Clients that are gone from Polaris. */
export const removalRows: StreamRows<RemovalKind> = {
  'full-scan-compared': {
    log: ({ outcome, kind: _, ...counts }) => line(...comparisons[outcome], counts),
    status: ({ outcome, missing, gone }, { removal }) => ({
      removal: {
        missing: removal?.missing ?? missing,
        gone: removal?.gone ?? gone,
        held: {
          marking: outcome === 'too-many' || outcome === 'later-beginning',
          publishing: removal?.held.publishing ?? false,
        },
      },
    }),
  },
  'missing-clients': {
    log: missingClients,
    status: ({ missing, gone, isHeld }, { removal }) => ({
      removal: { missing, gone, held: { marking: removal?.held.marking ?? false, publishing: isHeld } },
    }),
  },
  'clients-removed': {
    log: info('removal of gone clients published', 'clients'),
    count: ({ clients }, metrics) => metrics.count('removed', clients),
  },
  'removals-wait': {
    log: warn('ids of gone clients cannot be read from the topic, retrying', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
}

type EraseKind = 'client-erased' | 'erasure-waits' | 'erasure-ended' | 'erasure-marks-restored'

/** Clients that an operator erases. */
export const eraseRows: StreamRows<EraseKind> = {
  'client-erased': {
    log: info('client erased on request', 'request', 'reason', 'requestedAt', 'requestedBy', 'outcome'),
    count: (_, metrics) => metrics.count('erasures'),
  },
  'erasure-waits': {
    log: warn('requested erasure cannot be carried out, retrying', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
  'erasure-ended': { log: info('request to erase a client ended, nothing was published', 'request', 'outcome') },
  'erasure-marks-restored': {
    log: warn('marks of erased clients were missing from the store, written back', 'clients'),
  },
}

/** Clients that an operator publishes again. */
export const republishRows: StreamRows<'republish-started' | 'republish-ended'> = {
  'republish-started': {
    log: info('publishing clients again on request', 'request', 'requestedBy', 'lastChanged', 'clients'),
  },
  'republish-ended': {
    log: (event) =>
      line(
        'info',
        event.outcome === 'complete' ? 'clients published again' : 'publishing clients again was cancelled',
        picked(event, ['request', 'published', 'changed', 'missing']),
      ),
  },
}

const comparisons: Readonly<Record<EventOf<'full-scan-compared'>['outcome'], readonly [LogLevel, string]>> = {
  marked: ['info', 'full scan compared with the client index'],
  'too-many': [
    'warn',
    'too many clients are missing, none is marked: check whether the server returns all clients, then raise REMOVED_MAX_PERCENT',
  ],
  'later-beginning': [
    'warn',
    'full scans begin later than earlier scans, no client is marked as missing: set POLARIS_LAST_CHANGED back',
  ],
  incomplete: ['warn', 'full scan was not proven complete, no client is marked as missing'],
}

function missingClients({ missing, gone, withoutEvent, isHeld }: EventOf<'missing-clients'>): LogLine {
  if (isHeld)
    return line(
      'warn',
      'too many clients are gone, none is removed: check whether the server returns all clients, then raise REMOVED_MAX_PERCENT',
      { missing, gone },
    )
  return withoutEvent === 0
    ? line('debug', 'missing clients counted', { missing, gone })
    : line('warn', 'gone clients without an event in the topic cannot be removed', { gone: withoutEvent })
}
