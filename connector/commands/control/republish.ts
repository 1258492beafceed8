import { randomUUID } from 'node:crypto'
import { controlParts } from '../../compose/compose-control.ts'
import { updateControl } from '../../control/control-document.ts'
import { requested } from '../../control/requests.ts'
import type { ExitCode } from '../../runtime/error-catalogue.ts'
import { type Command, type CommandArgs, type CommandParts, configOption } from '../command.ts'
import { type ChosenStream, streamOption, withStream } from '../command-resources.ts'
import { clientsOption } from '../named-clients.ts'
import { progressReport } from '../output/shown-progress.ts'
import { counted } from '../output/text.ts'
import { type Followed, followRequest } from './followed-request.ts'
import { publishedText } from './request-output.ts'
import { type WantedRepublish, wantedRepublish } from './wanted-clients.ts'

export const republish: Command = {
  name: 'republish',
  summary: 'publish unchanged clients again, for a consumer that has lost or never had them',
  usage:
    'Stores a request beside the checkpoints. The replica that runs the stream carries it out beside\n' +
    'its live scans: it reads Polaris again and publishes also the clients that are unchanged since\n' +
    'their last event. Such events have the attribute republished, a new id and the next sequence,\n' +
    'and never follow a newer event of their client. All consumers of the topic receive them.\n' +
    'Erased clients and dead letters are not published again.\n' +
    'Shows the progress until the request is complete. Ctrl-C does not end the request: to cancel it,\n' +
    'run polaris-connector requests --cancel ID. Continues where it was when a replica restarts.\n' +
    'Fences no replica and changes no resume point.',
  options: {
    ...configOption,
    ...streamOption,
    from: {
      type: 'string',
      value: 'time',
      description: 'clients modified in Polaris since then, in server time: 2026-01-31T13:45:00; or: beginning',
    },
    ...clientsOption,
    rate: { type: 'string', value: 'number', description: 'limit of events a second; default: 100' },
  },
  positional: ['stream'],
  examples: [
    'republish lyon --config connector.yaml --from 2026-01-31T08:00:00',
    'republish lyon --config connector.yaml --client - < ids.txt',
  ],
  run: (args, parts) => withStream(args, parts, (chosen) => publishAgain(args, chosen, parts)),
}

async function publishAgain(args: CommandArgs, chosen: ChosenStream, parts: CommandParts): Promise<ExitCode> {
  const { stream, shared } = chosen
  const { clock, replica: by } = shared
  const { print, printError, showProgress, stop } = parts
  const times = { beginAt: stream.beginAt, timeZone: stream.poll.timeZone, now: clock.now() }
  const { idsByKey, ...what } = await wantedRepublish(args, times, parts)
  const control = controlParts(shared)
  const id = randomUUID()
  const wanted = { kind: 'republish', stream: stream.name, ...what } as const
  await updateControl(control, (document) => requested(document, wanted, { id, by, at: clock.now() }), stop)
  print(`requested: ${id}`)
  const report = progressReport(parts, clock)
  const followed = await followRequest(id, { object: control.object, clock, report, stop })
  if (showProgress !== undefined) printError('')
  for (const line of followedLines(followed, { id, idsByKey })) print(line)
  return exitCodeOf(followed)
}

export function exitCodeOf(followed: Followed): ExitCode {
  if (followed.kind !== 'done' || followed.progress.outcome !== 'complete') return 3
  const { missing = [], published = 0, changed = 0 } = followed.progress
  return missing.length > 0 || published + changed === 0 ? 1 : 0
}

interface Request extends Pick<WantedRepublish, 'idsByKey'> {
  readonly id: string
}

const foundOnly = (count: number) =>
  `${count} found, but not published: erased or a dead letter; \`polaris-connector audit --client\` shows which`

/** What the operator must know at the end. */
export function followedLines(followed: Followed, { id, idsByKey }: Request): string[] {
  const cancel = `to cancel it: polaris-connector requests --cancel ${id}`
  switch (followed.kind) {
    case 'done': {
      const { outcome, missing = [], by, ...counts } = followed.progress
      const notFound = missing.map((key) => idsByKey.get(key) ?? key)
      const found = idsByKey.size - notFound.length
      const { published = 0, changed = 0 } = counts
      const unpublished = outcome === 'complete' ? found - published - changed : 0
      return [
        `${outcome === 'complete' ? 'complete' : 'cancelled'}: ${publishedText(counts)}, reported by ${by}`,
        ...(idsByKey.size === 0 ? [] : [`${found} of ${counted(idsByKey.size, 'client')} found`]),
        ...(unpublished > 0 ? [foundOnly(unpublished)] : []),
        ...notFound.map((client) => `not found: ${client}`),
      ]
    }
    case 'waiting':
      return [
        followed.isPaused
          ? 'stored: the stream is paused, the request is carried out once it is resumed'
          : 'stored, but no replica has begun to carry it out yet: see `polaris-connector requests`',
        cancel,
      ]
    case 'interrupted':
      return ['the request continues: see `polaris-connector requests`', cancel]
    case 'gone':
      return ['the control object no longer has the request']
  }
}
