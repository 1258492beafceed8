import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { durationText } from '../../config/units.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { positionOf } from '../../scan/scan-order.ts'
import { BACKFILL, type Backfill, FULL, RECHECK, type Scan, scanWith } from '../../scan/scan-state.ts'
import { type Command, configOption, jsonOption } from '../command.ts'
import { asOperator, selectedStreams, streamOption } from '../command-resources.ts'
import { isoTime } from '../output/text.ts'
import { findWishes } from './found-wishes.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'show how far the streams have read, and which replica runs them',
  usage:
    'Reads the checkpoints and changes nothing. Without a stream, prints one row for each; of one stream,\n' +
    'prints its scans too. Times are in UTC, but modification times of clients in the local time of the\n' +
    'server.\n' +
    'A pending transaction counts only if Kafka has its commit record; that is checked when the stream\n' +
    'is opened. Exit code 1: a checkpoint cannot be read. doctor says whether an absent one is lost.',
  options: {
    ...configOption,
    stream: { ...streamOption.stream, description: 'only this stream, in detail' },
    ...jsonOption,
  },
  positional: ['stream'],
  examples: ['checkpoint show --config connector.yaml', 'checkpoint show lyon --config connector.yaml'],
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const streams = selectedStreams(args, config.streams)
      const stored = await Promise.all(streams.map((stream) => streamObject(stream, shared).read(parts.stop)))
      const wished = await Promise.all(streams.map((stream) => findWishes(stream, shared, parts.stop)))
      const found = streams.map(({ name }, at) => shownCheckpoint(name, stored[at]?.text, wished[at]))
      const exit = found.some(({ code }) => code !== undefined) ? 1 : 0
      const [first] = found
      if (args.stream !== undefined) return { exit, value: first }
      const rows = found.map(({ scans, ...row }) => row)
      return { exit, value: { streams: rows } }
    }),
}

/** How far a stream has read, and who runs it. */
interface ShownCheckpoint {
  readonly stream: string
  /** Start of the last completed live scan: all changes before it are read. */
  readonly liveUntil?: string | null
  /** `again`: a rewind has it read again. */
  readonly history?: Backfill['state']
  readonly readAgainFrom?: string | undefined
  readonly events?: number
  /** Events of the pending transaction. */
  readonly pending?: number | undefined
  /** Null: nobody runs it, as its last owner has stopped. */
  readonly openedBy?: string | null
  readonly openedAt?: string
  readonly epoch?: number
  readonly scans?: readonly ShownScan[]
  /** That it is paused, or that a rewind is not applied yet. */
  readonly remark?: string | undefined
  /** Why it cannot be read. */
  readonly code?: ErrorCode
}

/** `text`: the stored document; undefined: there is none. `remark`: what operators wish. Pure. */
export function shownCheckpoint(stream: string, text: string | undefined, remark?: string): ShownCheckpoint {
  if (text === undefined) return { stream, remark: remark ?? 'no checkpoint' }
  try {
    return { stream, ...shownDocument(parseDocument(text)), remark }
  } catch (error) {
    return { stream, code: codeOf(error), remark }
  }
}

function shownDocument({ claim, committed: { state }, pending }: CheckpointDocument): Omit<ShownCheckpoint, 'stream'> {
  const { live, backfill } = state.scans
  return {
    liveUntil: live.startedAt === null ? null : isoTime(live.startedAt),
    history: backfill.state,
    readAgainFrom: state.recheck?.from,
    events: state.events,
    pending: pending === null ? undefined : pending.change.events - state.events,
    openedBy: claim.owner,
    openedAt: isoTime(claim.at),
    epoch: claim.epoch,
    scans: shownScans(state),
  }
}

interface ShownScan {
  readonly scan: string
  readonly lastCompleted: string | null
  readonly inProgress: string | null
  readonly next: string | null
}

function shownScans({ scans, recheck }: StreamState): ShownScan[] {
  const { live, lookBacks, backfill, fullDueAt, background } = scans
  const row = (name: string, lastCompleted: string | null, due: string | null, scan: Scan | null = null): ShownScan => {
    const next = scan === null ? due : scan.notBefore === 0 ? 'now' : isoTime(scan.notBefore)
    return { scan: name, lastCompleted, inProgress: scan && progress(scan), next }
  }
  const tagged = (name: string, tag: Scan['tag'], due: string | null) => row(name, null, due, scanWith(scans, tag))
  const isRunning = (tag: Scan['tag']) => scanWith(scans, tag) !== undefined
  const done = live.startedAt === null ? null : isoTime(live.startedAt)
  return [
    row('live', done, 'at the poll interval', live.scan),
    ...background.filter(({ kind }) => kind === 'live').map((scan) => row('live, continued', null, null, scan)),
    ...lookBacks.map(({ reachMs, startedAt, dueAt }) => {
      const scan = background.find((found) => found.kind === 'look-back' && found.reachMs === reachMs)
      return row(`look-back ${durationText(reachMs)}`, isoTime(startedAt), isoTime(dueAt), scan)
    }),
    backfill.state === 'done' ? row('backfill', 'done', null) : tagged('backfill', BACKFILL, 'now'),
    ...(recheck === null && !isRunning(RECHECK) ? [] : [tagged('recheck', RECHECK, 'after the others')]),
    ...(fullDueAt === null ? [] : [tagged('full', FULL, isoTime(fullDueAt))]),
  ]
}

function progress({ pages, clients, order }: Scan): string {
  const position = positionOf(order)
  const at = position === null ? '' : `, at ${position} server time`
  return `${pages} pages, ${clients} clients${at}`
}
