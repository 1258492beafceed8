import type { PipelineEvent, StreamFailure, StreamState } from '../../pipeline/pipeline-event.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { hintOf } from '../../runtime/error-catalogue.ts'
import { toLogFields } from '../error-fields.ts'
import type { LogLine } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { clientsOf, pauseFields } from '../stream-status.ts'
import { countFailure, debug, type EventRows, info, logLine, pickedFields, trace, warn } from './event-row.ts'

type EventOf<Kind extends PipelineEvent['kind']> = Extract<PipelineEvent, { kind: Kind }>

/** One row for each kind of event of a stream. */
export const rows: EventRows<PipelineEvent> = {
  // The life of a stream: opening, holding, pausing, moving to another replica.
  'stream-state': { log: stateLine, count: countState },
  'stream-claimed': {
    log: (event) =>
      logLine(
        'info',
        event.isNew ? 'new stream claimed' : 'stream claimed',
        pickedFields(event, ['epoch', 'seq', 'history', 'nextEvent']),
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
  'wishes-damaged': {
    log: warn('wishes of operators cannot be read, and count as none until the next pause, resume or rewind'),
    isWarning: true,
  },

  // Requests, pages and page groups.
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
    count: ({ status }, metrics) => metrics.count('responses', 1, { status: String(status) }),
  },
  // Only the first failure of an outage is a warning; metrics count the others.
  'read-retried': {
    log: (event) =>
      logLine(
        event.attempt === 1 ? 'warn' : 'debug',
        'reading a page failed, retrying',
        pickedFields(event, ['scan', 'error', 'attempt']),
      ),
    count: countFailure,
  },
  'read-recovered': { log: info('reading works again', 'scan', 'failures', 'failedForMs') },
  'caught-up': {
    log: info('caught up', 'clients', 'pages'),
  },
  'fell-behind': { log: info('fell behind') },
  'pages-published': {
    log: trace('page group published', 'pages', 'deadLetters', 'bytes', 'tookMs', 'seq'),
    count: countPublished,
  },

  // Scans, what they show of the server and its clients, and the client index.
  'field-detected': { log: info('field detected', 'setting', 'field'), logged: 'hourly' },
  'lists-found': {
    log: warn('fields are lists from now on: configure them', 'fields', 'setting'),
    isWarning: true,
  },
  'paths-missing': {
    log: warn('no client has these configured paths: check their spelling', 'paths'),
    isWarning: true,
  },
  'scan-started': {
    log: (event) =>
      logLine(
        event.scan === 'history' ? 'info' : 'trace',
        'scan started',
        pickedFields(event, ['scan', 'lastChanged']),
      ),
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
      const { code, error } = toLogFields(refusal) // it needs no hint, as the stream continues
      return logLine('warn', 'server rejected its checkPoint, reading again', {
        ...pickedFields(event, ['scan', 'lastChanged']),
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
}

function stateLine({ state, previousState, failure, pause }: EventOf<'stream-state'>): LogLine | undefined {
  if (failure !== undefined) return failureLine(state, failure)
  if (pause !== undefined) return logLine('info', 'stream paused', pauseFields(pause))
  if (state === 'ended') return previousState === 'waiting' ? undefined : logLine('info', 'stream ended')
  if (state === 'waiting') return logLine('info', 'stream released: assigned to another replica')
  if (state === 'running' && (previousState === 'held' || previousState === 'retrying'))
    return logLine('info', 'stream resumes')
  if (state !== 'opening') return undefined
  return previousState === 'paused' ? logLine('info', 'pause ended') : logLine('debug', 'stream opening')
}

function failureLine(state: StreamState, failure: StreamFailure): LogLine {
  const { error: cause, kind, times, isRepeated } = failure
  // Nothing follows by itself, so the hint does not say what `run` does.
  if (state === 'ended')
    return logLine('error', 'stream failed, giving up', {
      ...toLogFields(cause),
      hint: hintOf(codeOf(cause), 'command'),
    })
  const fields = pickedFields(failure, ['error', 'pauseMs', 'times'])
  if (state === 'paused') {
    const message = 'paused stream cannot be left without a pending state, retrying'
    return logLine(isRepeated ? 'debug' : 'warn', message, fields)
  }
  // Replicas that start together may fence each other once.
  if (kind === 'fenced') return logLine(times > 1 ? 'warn' : 'info', 'stream lost to another replica', fields)
  if (kind === 'hold') return logLine(isRepeated ? 'debug' : 'error', 'stream held, trying again slowly', fields)
  // What the next attempt cures, such as two replicas that open a stream at the same time, needs nobody.
  const level = times === 1 ? 'info' : times === 2 || !isRepeated ? 'warn' : 'debug'
  return logLine(level, 'stream failed, reopening', fields)
}

function countState({ failure }: EventOf<'stream-state'>, metrics: Metrics) {
  if (failure === undefined) return
  const { error: cause, kind, times, isRepeated } = failure
  if (kind === 'fenced') {
    if (times > 1) metrics.count('contested')
  } else if (kind === 'retry' || !isRepeated) countFailure({ code: codeOf(cause) }, metrics)
}

function countPage({ scan, clients, tookMs }: EventOf<'page-read'>, metrics: Metrics) {
  metrics.count('pages', 1, { lane: scan })
  metrics.count('clients', clients)
  metrics.measure('read', tookMs)
}

function countPublished(event: EventOf<'pages-published'>, metrics: Metrics) {
  const { countsByLane, deadLetters, tookMs, delays } = event
  for (const ms of delays) metrics.measure('changeDelay', ms)
  metrics.count('suppressed', clientsOf(countsByLane, 'suppressed'))
  for (const [scan, { events, superseded }] of countsByLane) {
    metrics.count('events', events, { lane: scan })
    metrics.count('superseded', superseded, { lane: scan })
  }
  if (clientsOf(countsByLane, 'events') + deadLetters === 0) return
  metrics.count('deadLetters', deadLetters)
  metrics.measure('publish', tookMs)
}
