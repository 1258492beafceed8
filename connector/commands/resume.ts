import { type Command, configOption } from './command.ts'
import { withStream } from './command-resources.ts'
import { byOperator, wish } from './stored-stream.ts'

export const resume: Command = {
  name: 'resume',
  summary: 'let a paused stream run again, or have a held one try again now',
  usage:
    'Stores the wish beside the checkpoint. The replica to which the stream is assigned sees it within\n' +
    'ten seconds, and the stream continues where it stopped.',
  takesStream: true,
  options: configOption,
  examples: ['resume lyon --config connector.yaml'],
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const { name } = chosen.stream
      const before = await wish(chosen, { paused: false, reason: '', ...byOperator(chosen) }, parts.stop)
      const value = before.paused
        ? `stream ${name} is resumed: its replica opens it within ten seconds`
        : `stream ${name} is not paused; if it is held, it tries again within ten seconds`
      return { exit: 0, value }
    }),
}
