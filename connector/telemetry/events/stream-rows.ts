import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { hintOf } from '../../runtime/error-catalogue.ts'
import type { LogLine } from '../logger.ts'
import { countFailure, debug, type EventRow, error, info, line, picked, trace, warn } from './event-row.ts'

export type EventOf<Kind extends PipelineEvent['kind']> = Extract<PipelineEvent, { kind: Kind }>
export type StreamRows<Kind extends PipelineEvent['kind']> = { readonly [One in Kind]: EventRow<EventOf<One>> }

/** The life of a stream: opening, holding, pausing, moving to another replica. */
export const streamRows = {
  'stream-state': { log: stateLine },
  'stream-paused': { log: info('stream paused', 'reason', 'requestedAt', 'requestedBy') },
  'pause-unsettled': {
    log: warn('paused stream cannot be left without a pending state, retrying', 'error'),
    logged: 'hourly',
    isWarning: true,
  },
  'stream-claimed': {
    log: (event) =>
      line(
        'info',
        event.isNew ? 'new stream claimed' : 'stream claimed',
        picked(event, ['epoch', 'seq', 'history', 'events']),
      ),
  },
  'transactions-repaired': {
    log: warn('repaired transactions whose markers Kafka had lost', 'partitions', 'as'),
    isWarning: true,
  },
  'taken-over': {
    log: info('stream taken over from another process', 'from', 'epoch'),
    count: (_, metrics) => metrics.count('takeOvers'),
  },
  'source-moved': {
    log: warn('address of Polaris changed since the checkpoint was written'),
    logged: 'hourly',
    isWarning: true,
  },
  'partitions-grown': {
    log: warn('topic has more partitions: events of a client may be out of order across the change', 'from', 'to'),
    logged: 'hourly',
    isWarning: true,
  },
  'checkpoint-saved': { log: trace('checkpoint saved', 'bytes') },
  'stream-retrying': {
    log: (event) => line(retryingLevel(event), 'stream failed, reopening', picked(event, ['error', 'pauseMs'])),
    count: countFailure,
  },
  'stream-lost': {
    // Replicas that start together may do so once.
    log: ({ wasStopping, ...event }) =>
      line(
        event.fences > 1 ? 'warn' : 'info',
        'stream lost to another replica',
        wasStopping ? { code: codeOf(event.error) } : picked(event, ['error', 'fences', 'pauseMs']),
      ),
    count: ({ fences }, metrics) => {
      if (fences > 1) metrics.count('contested')
    },
  },
  'wishes-damaged': {
    log: warn('wishes of operators cannot be read, and count as none', 'error'),
    isWarning: true,
  },
  'stream-held': { log: error('stream held, trying again slowly', 'error', 'pauseMs'), count: countFailure },
  'stream-still-held': { log: debug('stream still held', 'error', 'pauseMs') },
  // Nothing follows by itself, so the hint does not say what `run` does.
  'stream-failed': {
    log: (event) =>
      line('error', 'stream failed, giving up', {
        ...picked(event, ['error']),
        hint: hintOf(event.code, 'command'),
      }),
  },
} satisfies Partial<StreamRows<PipelineEvent['kind']>>

/** What the next attempt cures, such as two replicas that open a stream at the same time, needs nobody. */
function retryingLevel({ attempt, isRepeated }: EventOf<'stream-retrying'>): 'info' | 'warn' | 'debug' {
  if (attempt === 1) return 'info'
  return attempt === 2 || !isRepeated ? 'warn' : 'debug'
}

function stateLine({ state, was, lastedMs }: EventOf<'stream-state'>): LogLine | undefined {
  const ms = Math.round(lastedMs)
  if (state === 'ended') return was === 'waiting' ? undefined : line('info', 'stream ended')
  if (state === 'waiting') return line('info', 'stream released: assigned to another replica', { tookMs: ms })
  if (state === 'running' && was === 'held') return line('info', 'stream resumes: the cause is gone')
  if (state !== 'opening') return undefined
  return was === 'paused' ? line('info', 'pause ended') : line('debug', 'stream opening')
}
