import { parseDocument } from '../checkpoint/checkpoint-document.ts'
import { streamObject } from '../compose.ts'
import { streamOption, withStream } from './chosen-stream.ts'
import { type Command, configOption } from './command.ts'
import { describedDocument } from './described-checkpoint.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'print where a stream stands',
  usage:
    'Reads the checkpoint document and changes nothing. A pending state holds if Kafka has its note; opening the stream finds out.',
  options: { ...configOption, ...streamOption },
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, around }) => {
      const stored = await streamObject(stream, around).read(parts.stop)
      if (stored === undefined) parts.print(`stream ${stream.name} has no checkpoint yet`)
      else parts.print(JSON.stringify(describedDocument(parseDocument(stored.text)), undefined, 2))
      return 0
    }),
}
