import type { PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'

type Every = { readonly [K in PipelineEvent['kind']]: Extract<PipelineEvent, { kind: K }> }

/** One event of each kind, about `error` where one has an error. */
export function everyPipelineEvent(error: unknown): PipelineEvent[] {
  const every: Every = {
    'stream-opening': { kind: 'stream-opening' },
    'stream-claimed': {
      kind: 'stream-claimed',
      epoch: 3,
      seq: 41,
      lastChanged: '2026-03-01T10:00:00',
      isNew: false,
      events: 900,
    },
    'session-closed': { kind: 'session-closed' },
    'taken-over': { kind: 'taken-over', from: 'replica-1', epoch: 3 },
    'setting-ignored': { kind: 'setting-ignored', setting: 'POLARIS_LAST_CHANGED', why: 'there is a checkpoint' },
    'source-moved': { kind: 'source-moved' },
    'partitions-grown': { kind: 'partitions-grown', from: 6, to: 12 },
    'field-detected': { kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: 'idClient' },
    'drain-started': { kind: 'drain-started', lastChanged: '2026-03-01T10:00:00' },
    'page-read': { kind: 'page-read', clients: 100, bytes: 87_000, tookMs: 120 },
    'list-ambiguous': { kind: 'list-ambiguous', path: 'adresses' },
    'request-waited': { kind: 'request-waited', ms: 40 },
    'read-retried': { kind: 'read-retried', code: 'source.timeout', attempt: 1 },
    'caught-up': { kind: 'caught-up', clients: 5000, pages: 50, tookMs: 6000 },
    'fell-behind': { kind: 'fell-behind' },
    'group-published': {
      kind: 'group-published',
      pages: 2,
      events: 190,
      deadLetters: 3,
      suppressed: 7,
      bytes: 160_000,
      tookMs: 30,
      seq: 42,
    },
    'checkpoint-saved': { kind: 'checkpoint-saved', bytes: 2048 },
    lateness: { kind: 'lateness', ms: 4000 },
    'lateness-high': { kind: 'lateness-high', ms: 200_000, overlapMs: 300_000 },
    'window-overflowed': { kind: 'window-overflowed', entries: 12 },
    'server-clock-missing': { kind: 'server-clock-missing' },
    'checkpoint-refused': { kind: 'checkpoint-refused', lastChanged: '2026-03-01T10:00:00' },
    'fields-keep-changing': { kind: 'fields-keep-changing', fields: ['points'] },
    'stream-retrying': { kind: 'stream-retrying', code: 'publish.unreachable', error, pauseMs: 500 },
    'stream-lost': { kind: 'stream-lost', error, wasStopping: false },
    'stream-stopped': { kind: 'stream-stopped', code: 'checkpoint.damaged', error },
    'stream-ended': { kind: 'stream-ended' },
  }
  return Object.values(every)
}
