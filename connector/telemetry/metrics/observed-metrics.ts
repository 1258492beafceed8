import type { LateChange } from '../../pipeline/group/late-change.ts'
import type { Observe } from '../../pipeline/pipeline-event.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { ScanKind } from '../../scan/scan-state.ts'
import { type ByKind, byKind, type EventOf } from '../by-kind.ts'
import type { ReplicaEvent } from '../group-status.ts'
import { clientsOf } from '../scan-status.ts'
import type { counterList, gaugeList, histogramList, warningKinds } from './metric-list.ts'
import type { PromMetrics } from './prom-metrics.ts'

/** Counts the events of one stream. */
export function metricsObserver(metrics: PromMetrics, stream: string): Observe {
  metrics.zeroStream(stream)
  return (event) => byKind(updates, event)({ metrics, stream })
}

/** Counts the events of this replica. */
export function replicaMetrics(metrics: PromMetrics): (event: ReplicaEvent) => void {
  return (event) => byKind(replicaUpdates, event)(metrics)
}

const unchanged = () => {}
const replicaUpdates: ByKind<(metrics: PromMetrics) => void, ReplicaEvent> = {
  'group-joined': () => (metrics) => metrics.count('rebalances', {}),
  'session-expired': () => (metrics) => metrics.count('sessionExpiries', {}),
  'membership-lost':
    ({ code }) =>
    (metrics) => {
      metrics.count('membershipLosses', {})
      metrics.count('failures', { code })
    },
  'group-described': () => unchanged,
  'membership-restored': () => unchanged,
  'group-left': () => unchanged,
  'assignment-changed': () => unchanged,
  'stream-released': () => unchanged,
  'stream-contested':
    ({ stream }) =>
    (metrics) =>
      metrics.count('contested', { stream }),
}

type Update = (to: { metrics: PromMetrics; stream: string }) => void

const counting =
  (name: keyof typeof counterList, by = 1, more: Readonly<Record<string, string>> = {}): Update =>
  ({ metrics, stream }) =>
    metrics.count(name, { stream, ...more }, by)
const ofReplica =
  (name: keyof typeof counterList, by = 1, labels: Readonly<Record<string, string>> = {}): Update =>
  ({ metrics }) =>
    metrics.count(name, labels, by)
const all =
  (...updates: Update[]): Update =>
  (to) => {
    for (const update of updates) update(to)
  }
const seconds =
  (name: keyof typeof histogramList, ms: number): Update =>
  ({ metrics, stream }) =>
    metrics.measure(name, { stream }, Math.max(0, ms) / 1000)
const setting =
  (name: keyof typeof gaugeList, value: number): Update =>
  ({ metrics, stream }) =>
    metrics.set(name, { stream }, value)
const nothing: Update = () => {}
const warning = ({ kind }: { kind: (typeof warningKinds)[number] }) => ofReplica('warnings', 1, { kind })
const failing = (name: 'readRetries' | 'reopenings' | 'holds', { code }: { code: ErrorCode }) =>
  all(counting(name), ofReplica('failures', 1, { code }))

const updates: ByKind<Update> = {
  'group-unreachable': () => nothing,
  'group-reachable': () => nothing,
  'stream-opening': () => nothing,
  'control-awaited': () => nothing,
  'stream-paused': () => nothing,
  'pause-unsettled': warning,
  'pause-ended': () => nothing,
  'stream-claimed': () => nothing,
  'producer-closed': () => nothing,
  'transactions-repaired': warning,
  'events-compacted': () => nothing,
  'taken-over': () => counting('takeOvers'),
  'source-moved': warning,
  'partitions-grown': warning,
  'field-detected': () => nothing,
  'scan-started': () => nothing,
  'page-read': ({ scan, clients, limit, bytes, tookMs }) =>
    all(
      counting('pages', 1, { scan }),
      counting('clients', clients),
      ofReplica('readBytes', bytes),
      seconds('read', tookMs),
      scan === 'live' ? setting('pageLimit', limit) : nothing,
    ),
  'list-ambiguous': warning,
  'certificate-seen': () => nothing,
  'characters-replaced': ({ characters }) => counting('replacedCharacters', characters),
  'response-received': ({ status }) => ofReplica('responses', 1, { status: String(status) }),
  'request-waited': ({ ms }) => ofReplica('requestWait', ms / 1000),
  'read-retried': (event) => failing('readRetries', event),
  'read-recovered': () => nothing,
  'source-waiting': () => nothing,
  'probe-failed': (event) => failing('readRetries', event),
  'source-resumed': () => nothing,
  'caught-up': () => nothing,
  'fell-behind': () => nothing,
  'pages-published': pagesPublished,
  'checkpoint-saved': ({ bytes }) => all(ofReplica('checkpointSaves'), setting('checkpointBytes', bytes)),
  'server-clock-missing': warning,
  'server-clock-jumped': warning,
  'segment-written': ({ bytes }) => ofReplica('segmentBytes', bytes),
  'index-upkeep-failed': warning,
  'segments-missing': warning,
  'checkpoint-refused': warning,
  'scan-paused': warning,
  'scan-stuck': warning,
  'limit-lowered': warning,
  'scans-not-interleaved': warning,
  'scan-done': () => nothing,
  'scan-end-unconfirmed': warning,
  'late-changes': warning,
  'full-scan-compared': () => nothing,
  'missing-clients': () => nothing,
  'clients-removed': ({ clients }) => ofReplica('removed', clients),
  'removals-wait': warning,
  'times-unreadable': warning,
  'fields-keep-changing': warning,
  'event-fields-missing': warning,
  'client-erased': () => ofReplica('erasures'),
  'republish-started': () => nothing,
  'republish-ended': () => nothing,
  'erasure-waits': warning,
  'erasure-ended': () => nothing,
  'erasure-marks-restored': () => nothing,
  'stream-retrying': (event) => failing('reopenings', event),
  'stream-lost': () => counting('losses'),
  'stream-held': (event) => failing('holds', event),
  'stream-still-held': () => nothing,
  'stream-resuming': () => nothing,
  'stream-failed': () => nothing,
  'stream-ended': () => nothing,
}

function pagesPublished({ scans, deadLetters, bytes, tookMs }: EventOf<'pages-published'>): Update {
  const published = all(
    counting('deadLetters', deadLetters),
    ofReplica('publishedBytes', bytes),
    seconds('publish', tookMs),
  )
  return all(
    counting('suppressed', clientsOf(scans, 'suppressed')),
    counting('superseded', clientsOf(scans, 'superseded')),
    ...[...scans].map(([scan, { events, late }]) => all(counting('events', events, { scan }), lateChanges(scan, late))),
    clientsOf(scans, 'events') + deadLetters > 0 ? published : nothing,
  )
}

function lateChanges(scan: ScanKind, late: readonly LateChange[]): Update {
  const delays = late.flatMap(({ ms }) => (ms === undefined ? [] : [seconds('foundLate', ms)]))
  return late.length === 0 ? nothing : all(counting('foundLate', late.length, { scan }), ...delays)
}
