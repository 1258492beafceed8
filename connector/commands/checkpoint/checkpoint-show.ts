import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { streamOption, withStream } from '../chosen-stream.ts'
import { type Command, configOption } from '../command.ts'
import { checkpointLines } from './described-checkpoint.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'print the checkpoint of a stream',
  usage:
    'Reads the checkpoint and changes nothing. FROM and POSITION are in the local time of the server,\n' +
    'all other times in UTC. With --json, prints the stored document, or null.\n' +
    'The pending state is valid only if Kafka has its commit record; that is checked when the stream\n' +
    'is opened.',
  options: { ...configOption, ...streamOption, json: { type: 'boolean', description: 'print JSON' } },
  examples: ['checkpoint show --config connector.yaml --stream lyon'],
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, shared }) => {
      const stored = await streamObject(stream, shared).read(parts.stop)
      const document = stored === undefined ? null : parseDocument(stored.text)
      if (args.json === true) parts.print(JSON.stringify(document, undefined, 2))
      else if (document === null) parts.print(`stream ${stream.name} has no checkpoint yet`)
      else for (const line of checkpointLines(document, stream.poll.timeZone)) parts.print(line)
      return 0
    }),
}
