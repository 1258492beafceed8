import type { PipelineEvent } from '../pipeline/pipeline-event.ts'
import { assertNever } from '../runtime/assert-never.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { type ByKind, byKind, type EventOf } from './by-kind.ts'
import { toLogFields } from './error-fields.ts'
import type { LogFields, LogLevel, LogLine } from './logger.ts'
import { clientsOf, isLong } from './scan-status.ts'

type Line = LogLine | undefined

/** The log line of an event; undefined if only metrics report it. Pages and page groups are logged at trace only. */
export function logLine(stream: string, event: PipelineEvent): LogLine | undefined {
  const line = byKind(lines, event)
  return line && { ...line, fields: { stream, ...line.fields } }
}

const lines: ByKind<Line> = {
  'group-unreachable': ({ code }) =>
    line('warn', 'consumer group does not answer, stream waits', { code, hint: errorCatalogue[code].runHint }),
  'group-reachable': ({ waitedMs }) =>
    line('info', 'consumer group answers again, stream resumes', { waitedMs: Math.round(waitedMs) }),
  'stream-opening': () => line('debug', 'stream opening'),
  // The control object is logged once, not by each stream: see `replica-log.ts`.
  'control-awaited': () => undefined,
  'stream-paused': ({ reason, requestedAt, requestedBy }) =>
    line('info', 'stream paused', { reason, requestedAt: new Date(requestedAt).toISOString(), requestedBy }),
  'pause-unsettled': ({ error }) =>
    line('warn', 'pending state of the paused stream cannot be recorded, retrying', toLogFields(error)),
  'pause-ended': () => line('info', 'pause ended'),
  'stream-claimed': ({ epoch, seq, backfill, isNew, events }) =>
    line('info', isNew ? 'new stream claimed' : 'stream claimed', { epoch, seq, backfill, events }),
  'producer-closed': () => line('info', 'nothing to publish, Kafka producer closed'),
  'transactions-repaired': ({ partitions, as, record }) =>
    line('warn', 'repaired transactions whose markers Kafka had lost', { partitions, as, record }),
  'events-compacted': ({ events }) =>
    line('warn', 'resuming without a commit record: all events that could prove the state were withdrawn', { events }),
  'taken-over': ({ from, epoch }) => line('info', 'stream taken over from another process', { from, epoch }),
  'source-moved': () => line('warn', 'address of Polaris changed since the checkpoint was written'),
  'partitions-grown': ({ from, to }) =>
    line('warn', 'topic has more partitions: events of a client may be out of order across the change', { from, to }),
  'field-detected': ({ setting, field }) => line('info', 'field detected', { setting, field }),
  'scan-started': ({ scan, lastChanged }) =>
    line(isLong(scan) ? 'info' : 'trace', 'scan started', { scan, lastChanged: `${lastChanged} server time` }),
  'page-read': ({ scan, clients, limit, bytes, tookMs }) =>
    line('trace', 'page read', { scan, clients, limit, bytes, tookMs }),
  'list-ambiguous': ({ path }) =>
    line('warn', 'field is a list in some clients only: add it to POLARIS_LIST_FIELDS', { path }),
  'certificate-seen': () => undefined,
  'characters-replaced': ({ characters }) =>
    line('warn', 'Polaris sends characters that XML forbids: publishing the replacement character instead', {
      characters,
    }),
  'response-received': () => undefined,
  'request-waited': () => undefined,
  'read-retried': readRetried,
  'read-recovered': ({ failures, failedForMs }) => line('info', 'reading works again', { failures, failedForMs }),
  // The server is logged once, not each of its streams: see `serverLine`.
  'source-waiting': () => undefined,
  'probe-failed': () => undefined,
  'source-resumed': () => undefined,
  'caught-up': ({ clients, pages, tookMs }) => line('info', 'caught up', { clients, pages, tookMs }),
  'fell-behind': () => line('info', 'fell behind'),
  'pages-published': pagesPublished,
  'checkpoint-saved': ({ bytes }) => line('trace', 'checkpoint saved', { bytes }),
  'server-clock-missing': ({ why }) =>
    line(
      'warn',
      why === 'no-date'
        ? 'server sends no Date header: using the local clock'
        : 'Date header of the server does not advance, a proxy may cache responses: using the local clock',
    ),
  'server-clock-jumped': ({ byMs }) =>
    line('warn', 'clock of the server jumped: check its time synchronization and time zone', { byMs }),
  'segment-written': ({ tier, bytes }) => line('debug', 'segment of the client index written', { tier, bytes }),
  'index-upkeep-failed': ({ error }) =>
    line('warn', 'merging or deleting segments of the client index failed, retrying later', toLogFields(error)),
  'segments-missing': ({ segments }) =>
    line(
      'warn',
      'segments of the client index are missing, writing it again: check the lifecycle rules of the bucket',
      {
        segments,
      },
    ),
  'checkpoint-refused': ({ scan, lastChanged, error }) =>
    line('warn', 'server rejected its checkPoint, reading again', {
      scan,
      lastChanged: `${lastChanged} server time`,
      // No hint: the stream goes on.
      code: toLogFields(error).code,
      error: toLogFields(error).error,
    }),
  'scan-paused': ({ scan, error }) =>
    line('warn', 'page of a background scan cannot be read, retrying later: live scans continue', {
      scan,
      ...toLogFields(error),
    }),
  'scan-stuck': ({ scan, why, limit }) =>
    line('warn', 'scan does not advance, beginning it again with larger pages', { scan, why, limit }),
  'limit-lowered': ({ scan, failedLimit, limit, error }) =>
    line('warn', 'pages take too long or are too large, beginning the scan again with smaller ones', {
      ...{ scan, failedLimit, limit },
      ...toLogFields(error),
    }),
  'scans-not-interleaved': () =>
    line('warn', 'server mixes up two scans of one user: scans run one after the other, live scans may wait'),
  'scan-done': ({ scan, clients, pages, tookMs }) => line('info', 'scan done', { scan, clients, pages, tookMs }),
  'scan-end-unconfirmed': ({ scan, clients }) =>
    line('warn', 'scan ended with an empty page twice: check on the server whether clients are missing', {
      scan,
      clients,
    }),
  'late-changes': ({ scan, ms }) =>
    line(
      'warn',
      'many changes become visible late: check POLARIS_TIME_ZONE and the clocks, look for a shop that was offline, or raise POLL_OVERLAP',
      { scan, delaySeconds: Math.round(ms / 1000) },
    ),
  'full-scan-compared': fullScanCompared,
  'missing-clients': missingClients,
  'clients-removed': ({ clients }) => line('info', 'removal of gone clients published', { clients }),
  'removals-wait': ({ error }) =>
    line('warn', 'ids of gone clients cannot be read from the topic, retrying', toLogFields(error)),
  'times-unreadable': ({ field }) =>
    line('warn', 'no modification time can be parsed: check POLARIS_MODIFIED_AT_FIELD', { field }),
  'fields-keep-changing': ({ fields }) =>
    line('warn', 'client published again at every poll: add its changing fields to POLARIS_HASH_IGNORE', {
      fields,
    }),
  'event-fields-missing': ({ fields }) =>
    line('warn', 'no client has these fields of EVENT_FIELDS: check their spelling', { fields }),
  'client-erased': ({ request, reason, requestedAt, requestedBy, outcome }) =>
    line('info', 'client erased on request', {
      ...{ request, reason, requestedAt: new Date(requestedAt).toISOString(), requestedBy, outcome },
    }),
  'republish-started': ({ request, requestedBy, lastChanged, clients }) =>
    line('info', 'publishing clients again on request', {
      ...{ request, requestedBy, lastChanged: `${lastChanged} server time`, ...(clients && { clients }) },
    }),
  'republish-ended': ({ request, outcome, published, changed, missing }) =>
    line('info', outcome === 'complete' ? 'published clients again' : 'publishing clients again was cancelled', {
      ...{ request, published, changed, missing },
    }),
  'erasure-waits': ({ error }) => line('warn', 'requested erasure cannot be carried out, retrying', toLogFields(error)),
  'erasure-ended': ({ request, outcome }) =>
    line('info', 'request to erase a client ended, nothing was published', { request, outcome }),
  'erasure-marks-restored': ({ clients }) =>
    line('warn', 'marks of erased clients were missing from the store, written back', { clients }),
  'stream-retrying': ({ error, pauseMs, isRepeated }) =>
    line(isRepeated ? 'debug' : 'warn', 'stream failed, reopening', { ...toLogFields(error), pauseMs }),
  'stream-lost': ({ error, wasStopping }) =>
    wasStopping
      ? line('info', 'stream lost to another replica', { code: codeOf(error) })
      : line('warn', 'stream lost to another replica', toLogFields(error)),
  'stream-held': ({ error, pauseMs }) =>
    line('error', 'stream held, rechecking periodically', { ...toLogFields(error), pauseMs }),
  'stream-still-held': ({ error, pauseMs }) => line('debug', 'stream still held', { ...toLogFields(error), pauseMs }),
  'stream-resuming': ({ code }) => line('info', 'stream resumes: the cause is gone', { code }),
  // Only a command gives up.
  'stream-failed': ({ error, code }) =>
    line('error', 'stream failed, giving up', { ...toLogFields(error), hint: errorCatalogue[code].hint }),
  'stream-ended': () => line('info', 'stream ended'),
}

function fullScanCompared({ kind: _, outcome, ...counts }: EventOf<'full-scan-compared'>): Line {
  switch (outcome) {
    case 'marked':
      return line('info', 'full scan compared with the client index', counts)
    case 'too-many':
      return line(
        'warn',
        'too many clients are missing, none is marked: check whether the server returns all clients, then raise REMOVED_MAX_PERCENT',
        counts,
      )
    case 'later-beginning':
      return line(
        'warn',
        'full scans begin later than earlier scans, no client is marked as missing: set POLARIS_LAST_CHANGED back',
        counts,
      )
    case 'incomplete':
      return line('warn', 'full scan was not proven complete, no client is marked as missing', counts)
    default:
      return assertNever(outcome)
  }
}

function missingClients({ missing, gone, withoutEvent, isHeld }: EventOf<'missing-clients'>): Line {
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

/** Only the first failure of an outage is a warning; metrics count the others. */
function readRetried({ error, attempt }: EventOf<'read-retried'>): Line {
  return line(attempt === 1 ? 'warn' : 'debug', 'reading a page failed, retrying', {
    ...toLogFields(error),
    attempt,
  })
}

function pagesPublished({ pages, scans, deadLetters, bytes, tookMs, seq }: EventOf<'pages-published'>): Line {
  const clients = {
    events: clientsOf(scans, 'events'),
    suppressed: clientsOf(scans, 'suppressed'),
    superseded: clientsOf(scans, 'superseded'),
  }
  return line('trace', 'page group published', { pages, ...clients, deadLetters, bytes, tookMs, seq })
}

function line(level: LogLevel, message: string, fields: LogFields = {}): LogLine {
  return { level, message, fields }
}
