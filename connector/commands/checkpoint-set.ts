import { parseSourceTime } from '../source/source-time.ts'
import { invalidRequest, streamOption, withStream } from './chosen-stream.ts'
import { type Command, configOption, optionText } from './command.ts'
import { rewriteTo, yesOption } from './rewrite-stream.ts'

export const checkpointSet: Command = {
  name: 'checkpoint set',
  summary: 'make a stream read again from a date',
  usage:
    'Opens the stream like a replica, which fences a running one, prints what held, and writes the new beginning with the next epoch and an\n' +
    'empty window: everything modified since is published again. The replica that ran the stream notices when it saves next, within a\n' +
    'minute, and goes on from there; with PLACEMENT=single it has to be restarted. It also replaces a missing or damaged document.',
  options: {
    ...configOption,
    ...streamOption,
    'last-changed': { type: 'string', value: 'time', description: "by the server's wall clock: 2026-01-31T13:45:00" },
    ...yesOption,
  },
  run: (args, parts) =>
    withStream(args, parts, ({ stream, around, closing }) => {
      const text = optionText(args, 'last-changed')
      const lastChanged = text === undefined ? undefined : parseSourceTime(text, stream.poll.timeZone)
      if (lastChanged === undefined)
        throw invalidRequest('--last-changed is needed: a date, or date and time like 2026-01-31T13:45:00')
      return rewriteTo(args, parts, {
        stream,
        around,
        closing,
        to: { lastChanged, checkPoint: null, limit: stream.poll.limit, output: stream.poll.output },
      })
    }),
}
