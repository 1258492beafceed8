import { info, line, picked } from './event-row.ts'
import type { StreamRows } from './stream-rows.ts'

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
