import { streamOption, withStream } from '../chosen-stream.ts'
import { type Command, configOption } from '../command.ts'
import { sendRequest } from './control-request.ts'

export const resume: Command = {
  name: 'resume',
  summary: 'let a paused stream run again',
  usage:
    'Stores a request beside the checkpoints. The replica to which the stream is assigned carries it\n' +
    'out within ten seconds: the stream continues where it stopped.\n' +
    'Waits until the request is carried out, at most 20 seconds.\n' +
    'Exit code: 0 resumed, 2 invalid configuration or request, 3 the request is stored, but no replica\n' +
    'has carried it out yet, or the checkpoint store is unavailable.',
  options: { ...configOption, ...streamOption },
  positional: 'stream',
  examples: ['resume lyon --config connector.yaml'],
  run: (args, parts) =>
    withStream(args, parts, ({ stream, shared }) =>
      sendRequest(
        { kind: 'resume', stream: stream.name },
        { done: (by) => `was resumed ${by}`, already: 'is not paused' },
        { ...parts, shared },
      ),
    ),
}
