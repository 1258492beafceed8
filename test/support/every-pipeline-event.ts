import { noWishes } from '../../connector/checkpoint/wishes.ts'
import type { LaneCounts, PipelineEvent } from '../../connector/pipeline/pipeline-event.ts'
import { HISTORY, newScans, type Scan, type ScanStates } from '../../connector/scan/scan-state.ts'
import { someScan } from './scans.ts'
import { entered, failed } from './stream-states.ts'

/** A history in progress. */
export const history: Scan = someScan({ ...HISTORY, checkPoint: null })

const scanStates: ScanStates = {
  ...newScans,
  background: [history],
  lookBacks: [{ reachMs: 300_000, startedAt: 0 }],
}

type PagesPublished = Extract<PipelineEvent, { kind: 'pages-published' }>

/** A delivered group of a live scan with these outcomes. */
export function published(counts: Partial<LaneCounts> = {}, more: Partial<PagesPublished> = {}): PagesPublished {
  const live = { events: 0, suppressed: 0, superseded: 0, ...counts }
  return {
    kind: 'pages-published',
    pages: 1,
    countsByLane: new Map([['live', live]]),
    deadLetters: 0,
    bytes: 900,
    tookMs: 9,
    delays: [],
    newestChange: undefined,
    hasLiveEnd: false,
    seq: 1,
    scans: newScans,
    indexSize: { clients: 10, memoryBytes: 240, segments: 0 },
    ...more,
  }
}

type Every = { readonly [K in PipelineEvent['kind']]: Extract<PipelineEvent, { kind: K }> }

/** One event of each kind, of `stream-state` several; those that carry an error carry `error`. */
export function everyPipelineEvent(error: unknown): PipelineEvent[] {
  const every: Every = {
    'stream-state': { kind: 'stream-state', state: 'waiting', previousState: 'running' },
    'stream-claimed': {
      kind: 'stream-claimed',
      epoch: 3,
      seq: 41,
      history: 'first',
      isNew: false,
      nextEvent: 900,
    },
    'transactions-repaired': { kind: 'transactions-repaired', partitions: 2, as: 'committed' },
    'taken-over': { kind: 'taken-over', from: 'replica-1', epoch: 3 },
    'source-moved': { kind: 'source-moved' },
    'partitions-grown': { kind: 'partitions-grown', from: 6, to: 12 },
    'field-detected': { kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: 'idClient' },
    'scan-started': { kind: 'scan-started', scan: 'live', lastChanged: '2026-03-01T10:00:00' },
    'page-read': { kind: 'page-read', scan: 'live', clients: 100, limit: 100, bytes: 87_000, tookMs: 120 },
    'lists-found': { kind: 'lists-found', setting: 'listFields: ["Cartes.Carte"]', fields: ['Cartes.Carte'] },
    'paths-missing': { kind: 'paths-missing', paths: ['event.fields: cartes.numero'] },
    'characters-replaced': { kind: 'characters-replaced', characters: 3 },
    'response-received': { kind: 'response-received', status: 200 },
    'read-retried': {
      kind: 'read-retried',
      scan: 'live',
      tried: 'in-place',
      code: 'source.unreachable',
      attempt: 1,
      error,
    },
    'read-recovered': { kind: 'read-recovered', scan: 'live', failures: 12, failedForMs: 90_000 },
    'caught-up': { kind: 'caught-up', clients: 5000, pages: 50 },
    'fell-behind': { kind: 'fell-behind' },
    'pages-published': {
      kind: 'pages-published',
      pages: 2,
      countsByLane: new Map([
        ['live', { events: 188, suppressed: 5, superseded: 0 }],
        ['look-back', { events: 2, suppressed: 1, superseded: 1 }],
      ]),
      deadLetters: 3,
      bytes: 160_000,
      tookMs: 30,
      delays: [3_000, 42_000],
      newestChange: 1_700_000_000_000,
      hasLiveEnd: true,
      seq: 42,
      scans: scanStates,
      indexSize: { clients: 5000, memoryBytes: 120_000, segments: 2 },
    },
    'segment-written': { kind: 'segment-written', tier: 0, bytes: 48_000 },
    'index-upkeep-failed': { kind: 'index-upkeep-failed', error },
    'scan-backed-off': {
      kind: 'scan-backed-off',
      scan: 'history',
      reachMs: null,
      pauseMs: 60_000,
      code: 'source.unreachable',
      error,
    },
    'scan-recovered': { kind: 'scan-recovered', scan: 'history', reachMs: null, backedOffMs: 180_000 },
    'scan-stuck': { kind: 'scan-stuck', scan: 'history', why: 'its token repeats' },
    'history-done': { kind: 'history-done', clients: 5000 },
    'checkpoint-refused': {
      kind: 'checkpoint-refused',
      scan: 'live',
      lastChanged: '2026-03-01T10:00:00',
      error,
    },
    'wishes-damaged': { kind: 'wishes-damaged' },
  }
  const pause = { ...noWishes, reason: 'moving house', by: 'operator-one' }
  const failures = (['retrying', 'held', 'paused', 'ended'] as const).map((state) => failed(state, error))
  const fenced = failed('retrying', error, { kind: 'fenced', times: 3 })
  return [...Object.values(every), entered('paused', 'running', { pause }), ...failures, fenced]
}
