import * as z from 'zod'
import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { pauseOf } from '../../control/requests.ts'
import type { FoundControl } from '../control/found-control.ts'
import { isoTime } from '../output/text.ts'
import type { FoundRecord } from './found-record.ts'

/** A state of a stream, as the `checkpoint` commands print it with `--json`. */
export const stateShape = z.strictObject({
  events: z.int().describe('Events published so far'),
  readUntil: z.iso
    .datetime()
    .nullable()
    .describe('Start of the last completed live scan: all changes before it are read; null: none completed yet'),
  backfill: z.enum(['due', 'done']).describe('`due`: the history is not read to its end yet'),
  readAgainFrom: z
    .string()
    .nullable()
    .describe('Time in the local time of the server, from which it is to be read again; null: not'),
})

export function stateOutput({ events, scans, recheck }: StreamState): z.output<typeof stateShape> {
  const { live, backfill } = scans
  const readUntil = live.startedAt === null ? null : isoTime(live.startedAt)
  return { events, readUntil, backfill, readAgainFrom: recheck?.from ?? null }
}

export const checkpointShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  checkpoint: z
    .strictObject({
      committed: stateShape.describe('The last state that is known to be committed'),
      pendingEvents: z
        .int()
        .nullable()
        .describe('Events of the pending transaction, which counts if Kafka has its commit record; null: none'),
      owner: z.string().describe('The process that opened the stream last'),
      openedAt: z.iso.datetime().describe('When it did'),
      epoch: z.int().describe('Its epoch'),
      document: z
        .record(z.string(), z.unknown())
        .describe('The stored document; another version may change its format'),
    })
    .nullable()
    .describe('`null`: the stream has no checkpoint'),
  commitRecord: z
    .enum(['none', 'found', 'unknown'])
    .optional()
    .describe(
      'Only without a checkpoint: whether Kafka has its commit record. `none`: the stream is new; `found`: the checkpoint is lost (`checkpoint.missing`); `unknown`: Kafka did not answer',
    ),
  code: z
    .string()
    .optional()
    .describe('Error code: why the checkpoint is missing, or why it is unknown whether it is lost'),
  paused: z
    .strictObject({
      reason: z.string().describe('Why, in the words of the operator'),
      since: z.iso.datetime().describe('When it was requested'),
      by: z.string().describe('The process that requested it'),
    })
    .nullable()
    .describe('`null`: an operator has not paused the stream'),
  controlUnreadable: z.string().optional().describe('Error code: it is unknown whether the stream is paused'),
})

export function pauseOutput(stream: string, { document }: FoundControl): z.output<typeof checkpointShape>['paused'] {
  const pause = pauseOf(document, stream)
  return pause ? { reason: pause.reason, since: isoTime(pause.requestedAt), by: pause.requestedBy } : null
}

export type FoundCheckpoint =
  | { readonly kind: 'document'; readonly document: CheckpointDocument }
  | { readonly kind: 'none'; readonly record: FoundRecord }

export function checkpointOutput(
  stream: string,
  found: FoundCheckpoint,
  control: FoundControl,
): z.output<typeof checkpointShape> {
  const { unreadable } = control
  const ofControl = { paused: pauseOutput(stream, control), ...(unreadable && { controlUnreadable: unreadable }) }
  return found.kind === 'none'
    ? { stream, checkpoint: null, ...missingOutput(found.record), ...ofControl }
    : { stream, checkpoint: claimedOutput(found.document), ...ofControl }
}

const missingOutput = (record: FoundRecord) => ({
  commitRecord: record.kind,
  ...(record.kind === 'none' ? {} : { code: record.code }),
})

function claimedOutput(document: CheckpointDocument): z.output<typeof checkpointShape>['checkpoint'] {
  const { committed, pending, claim } = document
  const { state } = committed
  return {
    committed: stateOutput(state),
    pendingEvents: pending === null ? null : pending.change.events - state.events,
    owner: claim.owner,
    openedAt: isoTime(claim.at),
    epoch: claim.epoch,
    document,
  }
}

/** What `checkpoint set` and `checkpoint reset` print. */
export const rewriteShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  before: stateShape.nullable().describe('The state that was valid before; null: there was none, or it is unknown'),
  skipped: z.string().nullable().describe('What is not read, in words; null without `--skip`'),
  epoch: z.int().describe('The epoch that the command wrote'),
  after: stateShape.describe('The state that it wrote'),
})

/** What `checkpoint rebuild-index` prints. */
export const rebuildShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  clients: z.int().describe('Clients in the new index'),
  epoch: z.int().describe('The epoch that the command wrote'),
  after: stateShape.describe('The state that it wrote'),
})
