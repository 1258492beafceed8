import { controlParts } from '../../compose/compose-control.ts'
import { durationMs, durationText } from '../../config/units.ts'
import { updateControl } from '../../control/control-document.ts'
import { type LoggedLevel, loggedLevels, withLogLevel } from '../../control/stream-reports.ts'
import { type Command, type CommandArgs, configOption, optionText } from '../command.ts'
import { invalidRequest, streamOption, withStream } from '../command-resources.ts'
import { isoTime } from '../output/text.ts'

const DEFAULT_FOR_MS = 30 * 60_000
const MAX_FOR_MS = 24 * 3_600_000

export const log: Command = {
  name: 'log',
  summary: 'change the log level of a stream for a while, without a restart',
  usage:
    'Stores the level beside the checkpoints. The replica that runs the stream uses it for the lines of\n' +
    'this stream within seconds, also after a restart or a take-over, until the time is over. All other\n' +
    'lines keep the configured level.\n' +
    'Exit code: 0 stored, 2 invalid configuration or request, 3 the checkpoint store is unavailable.',
  options: {
    ...configOption,
    ...streamOption,
    level: { type: 'string', value: 'level', description: `one of ${loggedLevels.join(', ')}` },
    for: { type: 'string', value: 'time', description: 'for how long, at most 24h; default: 30m' },
    end: { type: 'boolean', description: 'return to the configured level now' },
  },
  positional: ['stream'],
  examples: ['log lyon --level debug --for 1h --config connector.yaml', 'log lyon --end --config connector.yaml'],
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, shared }) => {
      const now = shared.clock.now()
      const wanted = wantedLevel(args, now)
      await updateControl(controlParts(shared), (stored) => withLogLevel(stored, stream.name, wanted), parts.stop)
      parts.print(
        wanted === undefined
          ? `stream ${stream.name} logs at the configured level within seconds`
          : `stream ${stream.name} logs at ${wanted.level} within seconds, until ${isoTime(wanted.until)}`,
      )
      return 0
    }),
}

/** Undefined: the configured level. Throws `command.invalid`. */
function wantedLevel(args: CommandArgs, now: number): { level: LoggedLevel; until: number } | undefined {
  const given = optionText(args, 'level')
  if (args.end === true && given === undefined) return undefined
  const level = loggedLevels.find((one) => one === given)
  if (level === undefined || args.end === true)
    throw invalidRequest(`--level must be one of ${loggedLevels.join(', ')}; or --end must be given alone`)
  const text = optionText(args, 'for') ?? durationText(DEFAULT_FOR_MS)
  const forMs = durationMs(text) ?? 0
  if (forMs <= 0 || forMs > MAX_FOR_MS) throw invalidRequest('--for must be a duration such as 30m, at most 24h')
  return { level, until: now + forMs }
}
