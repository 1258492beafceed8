import * as z from 'zod'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { isoTime } from '../output/text.ts'

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
