import type { PipelineEvent, StreamState } from '../../pipeline/pipeline-event.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { type ErrorCode, errorCatalogue } from '../../runtime/error-catalogue.ts'
import { type Failure, failureOf } from '../failure.ts'
import type { LogLine } from '../logger.ts'
import type { Metrics } from '../metrics/prom-metrics.ts'
import { atBeginning, isActive, noFailure, type StreamStatus } from '../stream-status.ts'
import { debug, type EventRow, error, info, line, picked, trace, warn } from './event-row.ts'

export type EventOf<Kind extends PipelineEvent['kind']> = Extract<PipelineEvent, { kind: Kind }>
export type StreamRows<Kind extends PipelineEvent['kind']> = {
  readonly [One in Kind]: EventRow<EventOf<One>, StreamStatus>
}
type Status = Partial<StreamStatus>
type WithError = { readonly code: ErrorCode; readonly error: unknown }

/** The life of a stream: opening, holding, pausing, moving to another replica. */
export const streamRows = {
  'stream-state': { log: stateLine, status: stateEntered },
  'stream-paused': {
    log: info('stream paused', 'reason', 'requestedAt', 'requestedBy'),
    status: ({ kind: _, ...pause }) => ({ pause }),
  },
  'pause-unsettled': {
    log: warn('paused stream cannot be left without a pending state, retrying', 'error'),
    logged: 'hourly',
    isWarning: true,
    status: ({ code, error }) => ({ failure: failureOf(code, error) }),
  },
  'stream-claimed': {
    log: (event) =>
      line(
        'info',
        event.isNew ? 'new stream claimed' : 'stream claimed',
        picked(event, ['epoch', 'seq', 'backfill', 'events']),
      ),
    status: ({ epoch, seq }, _, at) => ({ wasOpened: true, savedAt: at, epoch, seq }),
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
  'checkpoint-saved': {
    log: trace('checkpoint saved', 'bytes'),
    status: (_event, _before, at) => ({ savedAt: at }),
  },
  'stream-retrying': {
    log: (event) => line(retryingLevel(event), 'stream failed, reopening', picked(event, ['error', 'pauseMs'])),
    isFailure: true,
    count: countFailure,
    status: failing,
  },
  'stream-lost': {
    // Replicas that start together may do so once; `stream-contested` warns if it happens again.
    log: ({ wasStopping, ...event }) =>
      line(
        'info',
        'stream lost to another replica',
        wasStopping ? { code: codeOf(event.error) } : picked(event, ['error']),
      ),
  },
  'stream-contested': {
    log: warn('another process repeatedly takes the stream', 'fences', 'pauseMs'),
    count: (_, metrics) => metrics.count('contested'),
  },
  'wishes-damaged': {
    log: warn('wishes of operators cannot be read, and count as none', 'error'),
    isWarning: true,
  },
  'stream-held': {
    log: error('stream held, trying again slowly', 'error', 'pauseMs'),
    isFailure: true,
    count: countFailure,
    status: failing,
  },
  'stream-still-held': {
    log: debug('stream still held', 'error', 'pauseMs'),
    status: ({ code }, { failure }) => ({ failure: still(failure, code) }),
  },
  // Nothing follows by itself, so the hint does not say what `run` does.
  'stream-failed': {
    log: (event) =>
      line('error', 'stream failed, giving up', {
        ...picked(event, ['error']),
        hint: errorCatalogue[event.code].hint,
      }),
    status: failing,
  },
} satisfies Partial<StreamRows<PipelineEvent['kind']>>

/** What the next attempt cures, such as two replicas that open a stream at the same time, needs nobody. */
function retryingLevel({ attempt, isRepeated }: EventOf<'stream-retrying'>): 'info' | 'warn' | 'debug' {
  if (attempt === 1) return 'info'
  return attempt === 2 || !isRepeated ? 'warn' : 'debug'
}

export function countFailure({ code }: { readonly code: ErrorCode }, metrics: Metrics): void {
  metrics.count('failures', 1, { code })
}

export function failing({ code, error }: WithError, { failingSince }: StreamStatus, at: number): Status {
  return { failure: failureOf(code, error), failingSince: failingSince ?? at }
}

/** An event without an error keeps what was seen of the same code. */
const still = (before: Failure | undefined, code: ErrorCode): Failure => (before?.code === code ? before : { code })

const openStates: readonly StreamState[] = ['opening', 'running']

function stateEntered({ state }: EventOf<'stream-state'>, before: StreamStatus, at: number): Status {
  const isHere = isActive({ state })
  return {
    ...(isHere && !isActive(before) ? { ...atBeginning, startedAt: at } : {}),
    ...(openStates.includes(state) ? {} : { isCaughtUp: false }),
    ...(isHere ? {} : noFailure),
    pause: undefined,
    state,
  }
}

function stateLine({ state, was, lastedMs }: EventOf<'stream-state'>): LogLine | undefined {
  const ms = Math.round(lastedMs)
  if (state === 'ended') return line('info', 'stream ended')
  if (state === 'waiting') return line('info', 'stream released: assigned to another replica', { tookMs: ms })
  if (state === 'running' && was === 'held') return line('info', 'stream resumes: the cause is gone')
  if (state !== 'opening') return undefined
  return was === 'paused' ? line('info', 'pause ended') : line('debug', 'stream opening')
}
