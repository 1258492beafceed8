import type { PipelineEvent } from '../pipeline/pipeline-event.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import { toLogFields } from './error-fields.ts'
import type { LogFields, LogLevel, LogLine } from './log.ts'

type Line = LogLine | undefined

/** The log line of an event; undefined for what only the metrics tell. Pages and groups are counters: lines at trace level alone. */
export function logLine(stream: string, event: PipelineEvent): LogLine | undefined {
  const line = byKind(lines, event)
  return line && { ...line, fields: { stream, ...line.fields } }
}

const lines: ByKind<Line> = {
  'stream-opening': () => line('debug', 'stream opening'),
  'stream-claimed': ({ epoch, seq, lastChanged, isNew, events }) =>
    line('info', isNew ? 'new stream claimed' : 'stream claimed', { epoch, seq, lastChanged, events }),
  'session-closed': () => line('info', 'nothing to publish, session with Kafka closed'),
  'taken-over': ({ from, epoch }) => line('info', 'stream goes on where another process left it', { from, epoch }),
  'setting-ignored': ({ setting, why }) => line('info', 'setting ignored', { setting, why }),
  'source-moved': () => line('warn', 'the source has another address than when the checkpoint was written'),
  'partitions-grown': ({ from, to }) =>
    line('warn', 'the topic has more partitions: the order of a client is not kept across the growth', { from, to }),
  'field-detected': ({ setting, field }) => line('info', 'field detected', { setting, field }),
  'drain-started': ({ lastChanged }) => line('trace', 'drain started', { lastChanged }),
  'page-read': ({ clients, bytes, tookMs }) => line('trace', 'page read', { clients, bytes, tookMs }),
  'list-ambiguous': ({ path }) =>
    line('warn', 'a field is a list in some clients only: name it in POLARIS_LIST_FIELDS', { path }),
  'request-waited': () => undefined,
  'read-retried': readRetried,
  'caught-up': ({ clients, pages, tookMs }) => line('info', 'caught up', { clients, pages, tookMs }),
  'fell-behind': () => line('info', 'draining'),
  'group-published': ({ pages, events, deadLetters, suppressed, bytes, tookMs, seq }) =>
    line('trace', 'group published', { pages, events, deadLetters, suppressed, bytes, tookMs, seq }),
  'checkpoint-saved': ({ bytes }) => line('trace', 'checkpoint saved', { bytes }),
  lateness: () => undefined,
  'lateness-high': ({ ms, overlapMs }) =>
    line('warn', 'changes become visible late: raise POLL_OVERLAP, or later ones are missed', { ms, overlapMs }),
  'window-overflowed': ({ entries }) =>
    line('warn', 'the window is full: what fell out of it is published again when it is read again', { entries }),
  'server-clock-missing': () =>
    line('warn', 'the server sends no Date header: the clock of this machine and a longer overlap are used'),
  'checkpoint-refused': ({ lastChanged }) =>
    line('warn', 'the server refused its checkPoint: reading again', { lastChanged }),
  'fields-keep-changing': ({ fields }) =>
    line('warn', 'a client is published again at every poll: name in POLARIS_HASH_IGNORE what changes by itself', {
      fields,
    }),
  'stream-retrying': ({ error, pauseMs }) =>
    line('warn', 'stream failed, opening it again', { ...toLogFields(error), pauseMs }),
  'stream-lost': ({ error, wasStopping }) =>
    wasStopping
      ? line('info', 'stream lost to another replica', { code: codeOf(error) })
      : line('warn', 'stream lost to another replica', toLogFields(error)),
  'stream-stopped': ({ error }) => line('error', 'stream stopped, an operator is needed', toLogFields(error)),
  'stream-ended': () => line('info', 'stream ended'),
}

/** The first failure of a read is news; the others are counted, and the last comes with the stream's own failure. */
function readRetried({ code, attempt }: EventOf<'read-retried'>): Line {
  return line(attempt === 1 ? 'warn' : 'debug', 'reading a page failed, trying again', { code, attempt })
}

function line(level: LogLevel, message: string, fields: LogFields = {}): LogLine {
  return { level, message, fields }
}
