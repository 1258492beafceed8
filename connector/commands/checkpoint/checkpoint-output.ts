import * as z from 'zod'
import type { CheckpointDocument } from '../../checkpoint/checkpoint-document.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { isoTime } from '../output/time-text.ts'

/** A state of a stream, as the `checkpoint` commands print it with `--json`. */
export const stateShape = z.strictObject({
  events: z.int().describe('Events published so far'),
  readUntil: z.iso
    .datetime()
    .nullable()
    .describe('Start of the last completed live scan: all changes before it are read; null: none completed yet'),
  backfill: z.enum(['due', 'done']).describe('`due`: the history is not read to its end yet'),
})

export function stateOutput({ events, scans }: Pick<StreamState, 'events' | 'scans'>): z.output<typeof stateShape> {
  const { live, backfill } = scans
  return { events, readUntil: live.startedAt === null ? null : isoTime(live.startedAt), backfill }
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
        .looseObject({ format: z.int() })
        .describe('The stored document; another version may change its format'),
    })
    .nullable()
    .describe('`null`: the stream has no checkpoint yet'),
})

export function checkpointOutput(
  stream: string,
  document: CheckpointDocument | null,
): z.output<typeof checkpointShape> {
  if (document === null) return { stream, checkpoint: null }
  const { committed, pending, claim } = document
  const { state } = committed
  return {
    stream,
    checkpoint: {
      committed: stateOutput(state),
      pendingEvents: pending === null ? null : pending.change.events - state.events,
      ...{ owner: claim.owner, openedAt: isoTime(claim.at), epoch: claim.epoch },
      document,
    },
  }
}
