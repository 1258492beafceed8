import { invalidRequest, streamOption, withStream } from './chosen-stream.ts'
import { type Command, configOption } from './command.ts'
import { rewriteTo, yesOption } from './rewrite-stream.ts'

export const checkpointReset: Command = {
  name: 'checkpoint reset',
  summary: 'make a stream begin again at POLARIS_LAST_CHANGED',
  usage: 'As `checkpoint set` with the configured beginning.',
  options: { ...configOption, ...streamOption, ...yesOption },
  run: (args, parts) =>
    withStream(args, parts, ({ stream, around, closing }) => {
      if (stream.beginAt === undefined)
        throw invalidRequest('POLARIS_LAST_CHANGED is not configured: where should the stream begin?')
      return rewriteTo(args, parts, { stream, around, closing, to: stream.beginAt })
    }),
}
