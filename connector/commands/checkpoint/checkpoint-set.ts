import { readUntil } from '../../checkpoint/described-state.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { parseSourceTime, serverTimeText, wallClock } from '../../source/source-time.ts'
import { type Command, type CommandArgs, configOption, optionText } from '../command.ts'
import { type ChosenStream, invalidRequest, streamOption, withStream } from '../command-resources.ts'
import { rewriteOptions, rewriteTo, storedStanding } from './rewrite-stream.ts'

export const checkpointSet: Command = {
  name: 'checkpoint set',
  summary: 'make a stream read again from a date, or skip to one',
  usage:
    'Opens the stream like a replica, which fences a running one, prints the state that was valid,\n' +
    'and writes the next epoch.\n' +
    'The stream then reads the clients modified since that date again, in the background: live scans\n' +
    'continue. It publishes only clients whose content differs from what was published last.\n' +
    'With --skip, all scans continue at the date, and what was modified before and not yet read is\n' +
    'not read; the command prints what that is.\n' +
    'The replica that ran the stream notices at its next save, within a minute, and resumes; one that\n' +
    'holds it notices within ten seconds. With PLACEMENT=single, restart a replica that ran the stream.\n' +
    'Also replaces a missing or damaged checkpoint: the stream then reads its history again, except\n' +
    'with --skip. Creates no topic.\n' +
    'Without --yes, prints where the stream stands and what would be read again or skipped.',
  options: {
    ...configOption,
    ...streamOption,
    'last-changed': {
      type: 'string',
      value: 'time',
      description: "date and time in the server's local time: 2026-01-31T13:45:00",
    },
    skip: { type: 'boolean', description: 'do not read what was modified before' },
    ...rewriteOptions,
  },
  examples: [
    'checkpoint set --config connector.yaml --stream lyon --last-changed 2026-01-31T08:00:00',
    'checkpoint set --config connector.yaml --stream lyon --last-changed 2026-01-31T08:00:00 --yes',
  ],
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const from = requestedTime(args, chosen)
      const standing = await storedStanding(chosen, parts)
      const isSkip = args.skip === true
      const { beginAt, poll } = chosen.stream
      const readTo = standing.kind === 'usable' ? readUntil(standing.state.scans, poll.timeZone) : undefined
      const now = wallClock(chosen.shared.clock.now(), poll.timeZone)
      mustBeReadable(from, { beginAt, until: isSkip ? undefined : readTo, now })
      return await rewriteTo(args, parts, { ...chosen, to: { kind: isSkip ? 'skip' : 'read-again', from }, standing })
    }),
}

/** Throws `command.invalid`. */
function requestedTime(args: CommandArgs, { stream }: ChosenStream): SourceTime {
  const text = optionText(args, 'last-changed')
  const from = text === undefined ? undefined : parseSourceTime(text, stream.poll.timeZone)
  if (from !== undefined) return from
  throw invalidRequest('--last-changed must be a date, or a date and time such as 2026-01-31T13:45:00')
}

interface ReadableTimes {
  /** The stream's beginning. */
  readonly beginAt: SourceTime | undefined
  /** The latest time to read again from. */
  readonly until: SourceTime | undefined
  /** On the server's wall clock. */
  readonly now: SourceTime
}

/** Throws `command.invalid` for a time that would skip changes unasked, or that is in the future. */
export function mustBeReadable(from: SourceTime, { beginAt, until, now }: ReadableTimes): void {
  if (from > now)
    throw invalidRequest(
      `--last-changed is in the future: changes from now (${serverTimeText(now)}) until then would never be read`,
    )
  if (beginAt !== undefined && from < beginAt)
    throw invalidRequest(
      `--last-changed is before POLARIS_LAST_CHANGED (${beginAt}), where the stream begins: set POLARIS_LAST_CHANGED to the earlier date and use checkpoint reset`,
    )
  if (until !== undefined && from > until)
    throw invalidRequest(
      `--last-changed is later than ${until}, until when the stream has read: add --skip to leave out the changes between`,
    )
}
