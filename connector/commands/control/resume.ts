import { controlParts } from '../../compose/compose-control.ts'
import { readControl } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import { type Command, configOption } from '../command.ts'
import { streamOption, withStream } from '../command-resources.ts'
import { sendRequest } from './control-request.ts'

export const resume: Command = {
  name: 'resume',
  summary: 'let a paused stream run again, or have a held one checked now',
  usage:
    'Stores a request beside the checkpoints. The replica to which the stream is assigned carries it\n' +
    'out within ten seconds: the stream continues where it stopped. A stream that is not paused but\n' +
    'held is checked at once, instead of within 15 minutes.\n' +
    'Waits until the request is carried out, at most 20 seconds.',
  options: { ...configOption, ...streamOption },
  positional: ['stream'],
  examples: ['resume lyon --config connector.yaml'],
  run: (args, parts) =>
    withStream(args, parts, async ({ stream: { name: stream }, shared }) => {
      const isPaused = pauseOf(await readControl(controlParts(shared).object, parts.stop), stream) !== undefined
      const resumed = { done: (by: string) => `was resumed ${by}`, already: 'is not paused' }
      const checked = { done: (by: string) => `is not paused; it was checked ${by}` }
      return isPaused
        ? await sendRequest({ kind: 'resume', stream }, resumed, { ...parts, shared })
        : await sendRequest({ kind: 'check', stream }, checked, { ...parts, shared })
    }),
}
