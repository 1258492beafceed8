import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import type { ScanKind } from '../../scan/scan-state.ts'
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
    log: (event) => line(isLong(event.scan) ? 'info' : 'trace', 'scan started', picked(event, ['scan', 'lastChanged'])),
  },
  'server-clock-missing': {
    log: ({ why }) =>
      line(
        'warn',
        why === 'no-date'
          ? 'server sends no Date header: using the local clock'
          : 'Date header of the server does not advance, a proxy may cache responses: using the local clock',
      ),
    logged: 'hourly',
    isWarning: true,
  },
  'server-clock-jumped': {
    log: warn('clock of the server jumped: check its time synchronization and time zone', 'byMs'),
    isWarning: true,
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
  'scan-paused': {
    log: warn('page of a background scan cannot be read, retrying later: live scans continue', 'scan', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
  'scan-stuck': {
    log: warn('scan does not advance, beginning it again: raise POLARIS_LIMIT if it persists', 'scan', 'why'),
    logged: 'hourly',
    isWarning: true,
  },
  'scans-not-interleaved': {
    log: warn('server mixes up two scans of one user: scans run one after the other, live scans may wait'),
    isWarning: true,
  },
  'scan-done': { log: info('scan done', 'scan', 'clients', 'pages', 'tookMs') },
  'scan-end-unconfirmed': {
    log: warn(
      'scan ended with an empty page twice: check on the server whether clients are missing',
      'scan',
      'clients',
    ),
    isWarning: true,
  },
} satisfies Partial<StreamRows<PipelineEvent['kind']>>

const isLong = (scan: ScanKind) => scan === 'backfill' || scan === 'full'
