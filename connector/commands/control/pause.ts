import { type Command, configOption } from '../command.ts'
import { streamOption, withStream } from '../command-resources.ts'
import { reasonIn, reasonOption, sendRequest } from './control-request.ts'

export const pause: Command = {
  name: 'pause',
  summary: 'stop reading and publishing a stream until it is resumed',
  usage:
    'Stores a request beside the checkpoints. The replica that runs the stream carries it out within\n' +
    'ten seconds: it publishes and saves the current page, and closes its connections. The stream\n' +
    'stays paused when its replica restarts or another one takes over. Nothing is lost: resumed, the\n' +
    'stream reads what changed meanwhile.\n' +
    'Waits until the request is carried out, at most 20 seconds. Fences no replica.',
  options: {
    ...configOption,
    ...streamOption,
    ...reasonOption,
  },
  positional: ['stream'],
  examples: ['pause lyon --config connector.yaml --reason maintenance'],
  run: (args, parts) => {
    const reason = reasonIn(args)
    return withStream(args, parts, ({ stream, shared }) =>
      sendRequest(
        { kind: 'pause', stream: stream.name, reason },
        { done: (by) => `was paused ${by}`, already: 'is already paused' },
        { ...parts, shared },
      ),
    )
  },
}
