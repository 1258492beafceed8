import * as z from 'zod'
import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ExitCode } from '../../runtime/error-catalogue.ts'
import { type CommandArgs, type CommandParts, printOutput } from '../command.ts'
import type { CommandResources } from '../command-resources.ts'
import { type FoundControl, findControl, unreadableLines } from '../control/found-control.ts'
import type { Screen } from '../output/screen.ts'
import { isoTime, table } from '../output/text.ts'
import { checkpointShape, pauseOutput, stateOutput, stateShape } from './checkpoint-output.ts'

/** What `checkpoint show` prints of all streams. */
const checkpointsShape = z.strictObject({
  streams: z
    .array(
      z.strictObject({
        stream: z.string().describe('Name of the stream'),
        code: z
          .string()
          .nullable()
          .describe('Error code: why the checkpoint cannot be read; null: it can, or is absent'),
        committed: stateShape.nullable().describe('The last state that is known to be committed; null: unknown'),
        owner: z.string().nullable().describe('The process that opened the stream last'),
        openedAt: z.iso.datetime().nullable().describe('When it did'),
        epoch: z.int().nullable().describe('Its epoch'),
        paused: checkpointShape.shape.paused,
      }),
    )
    .readonly()
    .describe('In the order of the configuration'),
  controlUnreadable: checkpointShape.shape.controlUnreadable,
})

type Checkpoints = z.output<typeof checkpointsShape>
type CheckpointRow = Checkpoints['streams'][number]

/** Prints one row for each stream. Resolves to the exit code: 1 if a checkpoint cannot be read. */
export async function showAll(
  args: CommandArgs,
  parts: CommandParts,
  { config, shared }: CommandResources,
): Promise<ExitCode> {
  const stored = await Promise.all(config.streams.map((stream) => streamObject(stream, shared).read(parts.stop)))
  const control = await findControl(shared, parts.stop)
  const streams = config.streams.map(({ name }, at) => checkpointRow(name, stored[at]?.text, control))
  const { unreadable } = control
  const json: Checkpoints = { streams, ...(unreadable && { controlUnreadable: unreadable }) }
  printOutput(args, parts, { json, lines: () => [...rowLines(streams, parts.screen), ...unreadableLines(control)] })
  return streams.some(({ code }) => code !== null) ? 1 : 0
}

/** `text`: the stored document; undefined: there is none. Pure. */
export function checkpointRow(stream: string, text: string | undefined, control: FoundControl): CheckpointRow {
  const paused = pauseOutput(stream, control)
  const unknown = { stream, code: null, committed: null, owner: null, openedAt: null, epoch: null, paused }
  if (text === undefined) return unknown
  try {
    const { claim, committed } = parseDocument(text)
    const { owner, epoch } = claim
    return { ...unknown, committed: stateOutput(committed.state), owner, openedAt: isoTime(claim.at), epoch }
  } catch (error) {
    return { ...unknown, code: codeOf(error) }
  }
}

const columns = ['STREAM', 'LIVE UNTIL', 'BACKFILL', 'EVENTS', 'OPENED BY', 'SINCE', 'EPOCH', '']
const none = '–'

/** Pure. */
export function rowLines(rows: readonly CheckpointRow[], { paint }: Pick<Screen, 'paint'>): string[] {
  const cells = rows.map((row) => [
    row.stream,
    row.committed?.readUntil ?? none,
    row.committed?.backfill ?? none,
    String(row.committed?.events ?? none),
    row.owner ?? none,
    row.openedAt ?? none,
    String(row.epoch ?? none),
    row.code === null ? paint('yellow', remark(row)) : paint('red', row.code),
  ])
  return table([columns.map((name) => paint('bold', name)), ...cells])
}

function remark({ paused, owner }: CheckpointRow): string {
  if (paused !== null) return `paused: ${paused.reason}`
  return owner === null ? 'no checkpoint' : ''
}
