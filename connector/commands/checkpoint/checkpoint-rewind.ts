import { randomUUID } from 'node:crypto'
import { type Rewind, seenAs, waitingRewind } from '../../checkpoint/wishes.ts'
import { streamObject } from '../../compose/compose-stream.ts'
import { hashedId } from '../../index/index-entry.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { parseSourceTime, serverTimeText, wallClock } from '../../source/source-time.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, optionText } from '../command.ts'
import { type ChosenStream, invalidRequest, withStream } from '../command-resources.ts'
import { clientsOption, namedClients } from '../named-clients.ts'
import { type StoredStream, untilSeen, wish } from '../stored-stream.ts'

export const checkpointRewind: Command = {
  name: 'checkpoint rewind',
  summary: 'make a stream read its history again from a time; cures held streams',
  usage:
    'Stores the wish beside the checkpoint. The replica that runs the stream, or opens it next, applies\n' +
    'it once: beside the live scans, it reads the clients modified since the time again, and publishes\n' +
    'those whose content differs from what was published last. A history that has not ended keeps its\n' +
    'own time if that is earlier.\n' +
    'With --republish, forgets what was published: all clients that are read are published again, with\n' +
    'the header ce_republished in the history. Erased clients that still exist in Polaris, too.\n' +
    'With --client besides, only these clients.\n' +
    'With --yes, also cures a stream that is held because its checkpoint and Kafka disagree, as the\n' +
    'runbook says, for the checkpoint as it is stored now and no later one. What may be lost needs\n' +
    '--republish besides.\n' +
    'Waits until a replica has applied it, at most a minute; the wish stays.',
  takesStream: true,
  options: {
    ...configOption,
    to: {
      type: 'string',
      value: 'time',
      description: 'ISO 8601, without a zone in the local time of the server; or: beginning',
    },
    republish: { type: 'boolean', description: 'also publish unchanged clients again' },
    ...clientsOption,
    yes: { type: 'boolean', description: 'also cure a hold over the checkpoint that is stored now' },
  },
  examples: [
    'checkpoint rewind lyon --config connector.yaml --to 2026-01-31T08:00:00',
    'checkpoint rewind lyon --config connector.yaml --to beginning --republish --yes',
    'checkpoint rewind lyon --config connector.yaml --to beginning --republish --client -',
  ],
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const { stream, shared } = chosen
      const to = requestedTime(args, chosen)
      const clients = await republishedClients(args, parts)
      const stored = args.yes === true ? seenAs(await streamObject(stream, shared).read(parts.stop)) : null
      const rewind: Rewind = { id: randomUUID(), to, republish: args.republish === true, yes: stored, clients }
      const before = await wish(chosen, { rewind }, parts.stop)
      const applied = await untilSeen(chosen, outcomeOf(rewind, before.rewind), parts)
      const { text, exit } = applied ?? { text: 'stored, but no replica has applied it yet; it stays', exit: 3 }
      return { exit, value: [...plan(stream.name, rewind), text] }
    }),
}

/** Hashed; undefined: all. Rejects with `command.invalid`. */
async function republishedClients(args: CommandArgs, parts: CommandParts): Promise<string[] | undefined> {
  const ids = await namedClients(args, parts)
  if (ids.length === 0) return undefined
  if (args.republish !== true) throw invalidRequest('--client must be used with --republish')
  if (args.yes === true) throw invalidRequest('--client must be used without --yes: it cures no hold')
  return ids.map(hashedId)
}

/** Null: the configured beginning. Throws `command.invalid`. */
function requestedTime(args: CommandArgs, { stream, shared }: ChosenStream): SourceTime | null {
  const text = optionText(args, 'to')
  const { timeZone } = stream.poll
  if (text === 'beginning') return null
  const to = text === undefined ? undefined : parseSourceTime(text, timeZone)
  if (to === undefined)
    throw invalidRequest('--to must be a date, a date and time such as 2026-01-31T13:45:00, or beginning')
  const now = wallClock(shared.clock.now(), timeZone)
  if (to > now) throw invalidRequest(`--to is in the future: it is ${serverTimeText(now)}`)
  return to
}

function plan(name: string, { to, republish, clients }: Rewind): string[] {
  const from = to === null ? 'its configured beginning' : serverTimeText(to)
  const some = clients && `the named ones (${clients.length}) and those that differ from their last event`
  const which = some ?? (republish ? 'all of them' : 'those that differ from their last event')
  return [
    `stream ${name} reads the clients modified since ${from} again, and publishes ${which}`,
    ...(republish ? ['erased clients that still exist in Polaris are published again, too'] : []),
  ]
}

/** What became of the rewind; undefined: nothing yet. */
function outcomeOf({ id }: Rewind, replaced: Rewind | null) {
  return ({ document, wishes }: StoredStream): { readonly text: string; readonly exit: 0 | 1 } | undefined => {
    const known = typeof document === 'string' ? undefined : document
    const isReplacing = replaced !== null && replaced.id !== known?.rewound
    const note = isReplacing ? ' It has replaced one that was not applied yet.' : ''
    if (known?.rewound === id) return { text: `applied: epoch ${known.claim.epoch}.${note}`, exit: 0 }
    const waiting = waitingRewind(known, wishes)
    const isGone = waiting !== undefined && waiting.id !== id
    return isGone ? { text: 'another rewind has replaced this one before it was applied', exit: 1 } : undefined
  }
}
