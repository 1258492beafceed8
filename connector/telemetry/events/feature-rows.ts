import { info, line, picked, warn } from './event-row.ts'
import type { StreamRows } from './stream-rows.ts'

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
