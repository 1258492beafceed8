import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { durationText } from '../../config/units.ts'
import { assertNever } from '../../runtime/assert-never.ts'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'
import { positionOf } from '../../scan/scan-order.ts'
import { BACKFILL, FULL, RECHECK, REQUESTED, type Scan, scanWith } from '../../scan/scan-state.ts'
import { type Command, configOption, jsonOption, printOutput } from '../command.ts'
import { asOperator, onlyStream, streamOption } from '../command-resources.ts'
import { findControl, pauseLines } from '../control/found-control.ts'
import type { Screen } from '../output/screen.ts'
import { counted, isoTime, table } from '../output/text.ts'
import { showAll } from './all-checkpoints.ts'
import { checkpointOutput, type FoundCheckpoint } from './checkpoint-output.ts'
import { type FoundRecord, findRecord } from './found-record.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'show how far the streams have read, and which replica runs them',
  usage:
    'Reads the checkpoints and changes nothing. Without a stream, prints one row for each. Of one\n' +
    'stream, prints until when it is caught up, how many events it has published, who opened it last,\n' +
    'and its scans. Times are in UTC, but modification times of clients in the local time of the\n' +
    'server. With --json, prints the whole document of that stream too.\n' +
    'A pending transaction counts only if Kafka has its commit record; that is checked when the stream\n' +
    'is opened. Of a stream without a checkpoint, looks for its commit record in Kafka, for at most\n' +
    'seven seconds: if there is one, the checkpoint is lost.',
  options: {
    ...configOption,
    stream: { ...streamOption.stream, description: 'only this stream, in detail' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: ['checkpoint show --config connector.yaml', 'checkpoint show lyon --config connector.yaml'],
  run: (args, parts) =>
    asOperator(args, parts, async (resources) => {
      if (args.stream === undefined) return await showAll(args, parts, resources)
      const { config, shared } = resources
      const stream = onlyStream(args, config.streams)
      const stored = await streamObject(stream, shared).read(parts.stop)
      const found: FoundCheckpoint =
        stored === undefined
          ? { kind: 'none', record: await findRecord({ stream, shared }, parts, parts.stop) }
          : { kind: 'document', document: parseDocument(stored.text) }
      const control = await findControl(shared, parts.stop)
      const linesOf = () =>
        found.kind === 'none'
          ? missingLines(stream.name, found.record, parts.screen)
          : checkpointLines(found.document, parts.screen)
      const paused = pauseLines(control, stream.name).map((line) => parts.screen.paint('yellow', line))
      const json = checkpointOutput(stream.name, found, control)
      printOutput(args, parts, { json, lines: () => [...linesOf(), ...paused] })
      return found.kind === 'document' || found.record.kind === 'none' ? 0 : 1
    }),
}

/** How far a stream has read and who runs it, in sentences, and its scans as a table. Pure. */
export function checkpointLines(document: CheckpointDocument, { paint }: Pick<Screen, 'paint'>): string[] {
  const { stream, claim, committed, pending, movedTo } = document
  const { state } = committed
  const rows = scanRows(state)
  return [
    `${paint('bold', `stream ${stream}`)}: ${readUntil(state)}, ${counted(state.events, 'event')} published`,
    `opened by ${claim.owner} at ${isoTime(claim.at)} (epoch ${claim.epoch})`,
    ...(movedTo === null ? [] : [paint('red', `renamed to ${movedTo}: this checkpoint is not used any more`)]),
    ...(pending === null ? [] : [pendingText(pending, state)]),
    '',
    ...table([['SCAN', 'LAST COMPLETED', 'IN PROGRESS', 'NEXT'].map((name) => paint('bold', name)), ...rows]),
  ]
}

/** What is known of a stream without a checkpoint. Pure. */
export function missingLines(stream: string, record: FoundRecord, { paint }: Pick<Screen, 'paint'>): string[] {
  switch (record.kind) {
    case 'none':
      return [`stream ${stream} has no checkpoint yet`]
    case 'found':
      return [paint('red', `stream ${stream}: ${record.why}`), `${record.code}: ${errorCatalogue[record.code].hint}`]
    case 'unknown':
      return [`stream ${stream} has no checkpoint; whether Kafka has its commit record is unknown: ${record.code}`]
    default:
      return assertNever(record)
  }
}

const none = '–'

function readUntil({ scans, recheck }: StreamState): string {
  const { live, backfill } = scans
  const again = recheck === null ? '' : `, to be read again from ${recheck.from} server time`
  if (live.startedAt === null) return `no live scan completed yet${again}`
  const until = isoTime(live.startedAt)
  const caughtUp = backfill === 'done' ? `caught up until ${until}` : `live until ${until}, history still to be read`
  return caughtUp + again
}

function pendingText({ seq, change }: NonNullable<CheckpointDocument['pending']>, { events }: StreamState): string {
  const count = counted(change.events - events, 'event')
  return `pending: transaction ${seq} with ${count}; it counts if Kafka has its commit record`
}

type Row = readonly [string, string, string, string]

function scanRows({ scans, recheck }: StreamState): Row[] {
  const { live, lookBacks, backfill, fullDueAt, background } = scans
  const row = (name: string, { done, due, scan }: { done?: string; due: string; scan: Scan | undefined }): Row => {
    const next = scan === undefined ? due : scan.notBefore === 0 ? 'now' : isoTime(scan.notBefore)
    return [name, done ?? none, scan === undefined ? none : progress(scan), next]
  }
  const continued = background.filter(({ kind }) => kind === 'live')
  const lookBackRows = lookBacks.map(({ reachMs, startedAt, dueAt }) => {
    const scan = background.find((found) => found.kind === 'look-back' && found.reachMs === reachMs)
    return row(`look-back ${durationText(reachMs)}`, { done: isoTime(startedAt), due: isoTime(dueAt), scan })
  })
  const liveDone = live.startedAt === null ? none : isoTime(live.startedAt)
  return [
    row('live', { done: liveDone, due: 'at the poll interval', scan: live.scan ?? undefined }),
    ...continued.map((scan) => row('live, continued', { due: none, scan })),
    ...lookBackRows,
    backfill === 'done'
      ? ['backfill', 'done', none, none]
      : row('backfill', { due: 'now', scan: scanWith(scans, BACKFILL) }),
    ...(recheck === null && scanWith(scans, RECHECK) === undefined
      ? []
      : [row('recheck', { due: 'after the others', scan: scanWith(scans, RECHECK) })]),
    ...[scanWith(scans, REQUESTED)].flatMap((scan) =>
      scan === undefined ? [] : [row('requested', { due: none, scan })],
    ),
    ...(fullDueAt === null ? [] : [row('full', { due: isoTime(fullDueAt), scan: scanWith(scans, FULL) })]),
  ]
}

function progress({ pages, clients, order }: Scan): string {
  const position = positionOf(order)
  const at = position === null ? '' : `, at ${position} server time`
  return `${counted(pages, 'page')}, ${counted(clients, 'client')}${at}`
}
