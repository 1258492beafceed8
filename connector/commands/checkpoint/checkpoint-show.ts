import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { streamOption, withStream } from '../chosen-stream.ts'
import { type Command, configOption, jsonOption, printJson } from '../command.ts'
import { findControl, pauseLines } from '../control/found-control.ts'
import { checkpointOutput, checkpointShape } from './checkpoint-output.ts'
import { checkpointLines } from './described-checkpoint.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'show how far a stream has read, and which replica runs it',
  usage:
    'Reads the checkpoint and changes nothing. Prints until when the stream is caught up, how many\n' +
    'events it has published, who opened it last, and its scans. Times are in UTC, but modification\n' +
    'times of clients in the local time of the server. With --json, prints the whole document too.\n' +
    'A pending transaction counts only if Kafka has its commit record; that is checked when the stream\n' +
    'is opened.',
  options: { ...configOption, ...streamOption, ...jsonOption },
  examples: ['checkpoint show --config connector.yaml --stream lyon'],
  outputs: { '--json': checkpointShape },
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, shared }) => {
      const stored = await streamObject(stream, shared).read(parts.stop)
      const document = stored === undefined ? null : parseDocument(stored.text)
      const control = await findControl(shared, parts.stop)
      if (args.json === true) {
        printJson(parts, checkpointOutput(stream.name, document, control))
        return 0
      }
      if (document === null) parts.print(`stream ${stream.name} has no checkpoint yet`)
      else for (const line of checkpointLines(document, parts.screen)) parts.print(line)
      for (const line of pauseLines(control, stream.name)) parts.print(parts.screen.paint('yellow', line))
      return 0
    }),
}
