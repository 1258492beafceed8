import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState } from '../../checkpoint/described-state.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { durationText } from '../../config/units.ts'
import { ENTRY_BYTES } from '../../index/index-entry.ts'
import { deltaEntries, type IndexState, type SegmentReference } from '../../index/index-state.ts'
import { FULL, RECHECK, type Recheck, type Scan, type ScanStates, scanWith } from '../../scan/scan-state.ts'
import { table } from '../output/text-table.ts'

/** A checkpoint document as tables for a terminal. `timeZone`: the server's (IANA name). Pure. */
export function checkpointLines({ stream, claim, committed, pending }: CheckpointDocument, timeZone: string): string[] {
  const { state } = committed
  const { epoch, seq, by } = committed
  return [
    `stream ${stream}: ${describedState(state, timeZone)}`,
    '',
    ...table([['SCAN', 'FROM', 'POSITION', 'PAGES', 'CLIENTS', 'NEXT DUE'], ...scanRows(state)]),
    '',
    ...table([['LOOK-BACK', 'LAST START', 'DUE'], ...lookBackRows(state.scans)]),
    '',
    ...indexLines(state.index),
    '',
    `claim: epoch ${claim.epoch}, by ${claim.owner} at ${instant(claim.at)}`,
    `committed: epoch ${epoch}, seq ${seq}, by ${by} at ${instant(committed.at)}`,
    pending === null
      ? 'pending: none'
      : `pending: epoch ${pending.epoch}, seq ${pending.seq}, ${pending.change.events} events, valid if Kafka has its commit record`,
  ]
}

const none = '–'
const instant = (ms: number) => new Date(ms).toISOString()

/** Scans in progress, and those that wait to begin. */
function scanRows({ scans, recheck }: StreamState): string[][] {
  const { live, background } = scans
  const inProgress = live.scan === null ? background : [live.scan, ...background]
  const waiting = (name: string, from: string, due: string) => [name, from, none, none, none, due]
  return [
    ...(live.scan === null ? [waiting('live', none, 'at the poll interval')] : []),
    ...inProgress.map(progressRow),
    ...waitingScans(scans, recheck).map(([name, from, due]) => waiting(name, from, due)),
  ]
}

function progressRow(scan: Scan): string[] {
  const { from, lastModifiedAt, pages, clients, notBefore } = scan
  const due = notBefore === 0 ? 'now' : instant(notBefore)
  return [scanTitle(scan), from, lastModifiedAt ?? none, String(pages), String(clients), due]
}

function scanTitle({ kind, tag, reachMs }: Scan): string {
  if (tag === RECHECK) return 'recheck'
  return reachMs === null ? kind : `${kind} ${durationText(reachMs)}`
}

function waitingScans(scans: ScanStates, recheck: Recheck | null): [string, string, string][] {
  const { background, backfill, fullDueAt } = scans
  const isBackfilling = background.some(({ kind }) => kind === 'backfill')
  return [
    ...(recheck === null || scanWith(scans, RECHECK) !== undefined
      ? []
      : [['recheck', recheck.from, 'after the other background scans'] satisfies [string, string, string]]),
    ...(backfill === 'done' || isBackfilling ? [] : [['backfill', none, 'now'] satisfies [string, string, string]]),
    ...(fullDueAt === null || scanWith(scans, FULL) !== undefined
      ? []
      : [['full', none, instant(fullDueAt)] satisfies [string, string, string]]),
  ]
}

function lookBackRows({ lookBacks }: ScanStates): string[][] {
  return lookBacks.map(({ reachMs, startedAt, dueAt }) => [durationText(reachMs), instant(startedAt), instant(dueAt)])
}

const tiers: readonly SegmentReference['tier'][] = ['base', 'run', 'spill']

function indexLines({ generation, rules, segments, delta, contentsFrom }: IndexState): string[] {
  const rows = tiers.map((tier) => {
    const own = segments.filter((segment) => segment.tier === tier)
    return sizeRow(
      tier,
      String(own.length),
      own.reduce((sum, { entries }) => sum + entries, 0),
    )
  })
  const forgotten = contentsFrom === 0 ? '' : `, contents forgotten before event ${contentsFrom}`
  return [
    ...table([['INDEX', 'SEGMENTS', 'ENTRIES', 'BYTES'], ...rows, sizeRow('delta', none, deltaEntries(delta))]),
    `generation ${generation}${forgotten}`,
    ...rules.map((text, number) => `rules ${number}: ${text}`),
  ]
}

const sizeRow = (name: string, segments: string, entries: number) => [
  ...[name, segments, String(entries), String(entries * ENTRY_BYTES)],
]
