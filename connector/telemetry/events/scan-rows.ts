import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import { toLogFields } from '../error-fields.ts'
import { debug, info, line, picked, warn } from './event-row.ts'
import type { StreamRows } from './stream-rows.ts'

/** Scans, what they show of the server and its clients, and the client index. */
export const scanRows = {
  'field-detected': { log: info('field detected', 'setting', 'field'), logged: 'hourly' },
  'lists-found': {
    log: warn('fields are lists from now on: configure them', 'fields', 'setting'),
    isWarning: true,
  },
  'scan-started': {
    log: (event) =>
      line(event.scan === 'history' ? 'info' : 'trace', 'scan started', picked(event, ['scan', 'lastChanged'])),
  },
  'segment-written': {
    log: debug('segment of the client index written', 'tier', 'bytes'),
  },
  'index-upkeep-failed': {
    log: warn('upkeep of the client index failed, retrying later', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
  'checkpoint-refused': {
    log: ({ error: refusal, ...event }) => {
      const { code, error } = toLogFields(refusal) // no hint: the stream continues
      return line('warn', 'server rejected its checkPoint, reading again', {
        ...picked(event, ['scan', 'lastChanged']),
        code,
        error,
      })
    },
    isWarning: true,
  },
  'scan-backed-off': {
    log: warn('pages of a scan fail, retrying later: live scans continue', 'scan', 'pauseMs', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
  'scan-recovered': { log: info('pages of the scan can be read again', 'scan', 'backedOffMs') },
  'scan-stuck': {
    log: warn('scan does not advance, beginning it again: raise POLARIS_LIMIT if it persists', 'scan', 'why'),
    logged: 'hourly',
    isWarning: true,
  },
  'history-done': { log: info('history done', 'clients') },
} satisfies Partial<StreamRows<PipelineEvent['kind']>>
