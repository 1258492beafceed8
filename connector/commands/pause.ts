import { type Command, type CommandArgs, configOption, optionText } from './command.ts'
import { invalidRequest, withStream } from './command-resources.ts'
import { byOperator, type StoredStream, untilSeen, wish } from './stored-stream.ts'

export const pause: Command = {
  name: 'pause',
  summary: 'stop reading and publishing a stream until it is resumed',
  usage:
    'Stores the wish beside the checkpoint, and needs neither Kafka nor a running replica. The replica\n' +
    'that runs the stream sees it within ten seconds, publishes and saves the page in hand, and leaves\n' +
    'the stream. The stream stays paused when replicas restart; resumed, it reads what changed.\n' +
    'Waits until nothing is published any more, at most a minute.',
  takesStream: true,
  options: {
    ...configOption,
    reason: {
      type: 'string',
      value: 'text',
      description: 'why, up to 200 characters: shown in logs and /status, so no personal data',
    },
  },
  examples: ['pause lyon --config connector.yaml --reason maintenance'],
  run: (args, parts) => {
    const reason = reasonIn(args)
    return withStream(args, parts, async (chosen) => {
      const { name } = chosen.stream
      await wish(chosen, { paused: true, reason, ...byOperator(chosen) }, parts.stop)
      const seen = await untilSeen(chosen, left, parts)
      if (seen === 'left') return { exit: 0, value: `stream ${name} is paused` }
      const why =
        seen === undefined
          ? `no replica has confirmed yet that stream ${name} is paused`
          : `whether stream ${name} is still published is unknown: it has no readable checkpoint (${seen})`
      return { exit: 3, value: `stored, but ${why}` }
    })
  },
}

/** Nothing is published any more once the document has no owner and nothing pending. */
function left({ document }: StoredStream): string | undefined {
  if (typeof document === 'string') return document
  return document.claim.owner === null && document.pending === null ? 'left' : undefined
}

/** Throws `command.invalid`. */
function reasonIn(args: CommandArgs): string {
  const reason = optionText(args, 'reason')?.trim() ?? ''
  if (/^[^\p{Cc}]{0,200}$/u.test(reason)) return reason
  throw invalidRequest('--reason must be one line of at most 200 characters')
}
