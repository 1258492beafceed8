import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { type Command, configOption, jsonOption, printOutput } from '../command.ts'
import { streamOption, withStream } from '../command-resources.ts'
import { findControl, pauseLines } from '../control/found-control.ts'
import { checkpointOutput, checkpointShape, type FoundCheckpoint } from './checkpoint-output.ts'
import { checkpointLines, missingLines } from './described-checkpoint.ts'
import { findRecord } from './found-record.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'show how far a stream has read, and which replica runs it',
  usage:
    'Reads the checkpoint and changes nothing. Prints until when the stream is caught up, how many\n' +
    'events it has published, who opened it last, and its scans. Times are in UTC, but modification\n' +
    'times of clients in the local time of the server. With --json, prints the whole document too.\n' +
    'A pending transaction counts only if Kafka has its commit record; that is checked when the stream\n' +
    'is opened. Of a stream without a checkpoint, looks for its commit record in Kafka, for at most\n' +
    'seven seconds: if there is one, the checkpoint is lost.',
  options: { ...configOption, ...streamOption, ...jsonOption },
  examples: ['checkpoint show --config connector.yaml --stream lyon'],
  outputs: { '--json': checkpointShape },
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const { stream, shared } = chosen
      const stored = await streamObject(stream, shared).read(parts.stop)
      const found: FoundCheckpoint =
        stored === undefined
          ? { kind: 'none', record: await findRecord(chosen, parts, parts.stop) }
          : { kind: 'document', document: parseDocument(stored.text) }
      const control = await findControl(shared, parts.stop)
      const linesOf = () =>
        found.kind === 'none'
          ? missingLines(stream.name, found.record, parts.screen)
          : checkpointLines(found.document, parts.screen)
      const paused = pauseLines(control, stream.name).map((line) => parts.screen.paint('yellow', line))
      const json = checkpointOutput(stream.name, found, control)
      printOutput(args, parts, { json, lines: () => [...linesOf(), ...paused] })
      return 0
    }),
}
