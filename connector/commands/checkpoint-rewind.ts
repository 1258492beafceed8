import { randomUUID } from 'node:crypto'
import { documentIdOf, type Rewind, waitingRewind } from '../checkpoint/wishes.ts'
import { streamObject } from '../compose/compose-stream.ts'
import { hashedId } from '../index/index-entry.ts'
import type { SourceTime } from '../source/client-source.ts'
import { parseSourceTime, serverTimeText, wallClock } from '../source/source-time.ts'
import { type Answer, type CommandArgs, type CommandParts, invalidRequest, type RunCommand } from './command.ts'
import { type ChosenStream, namedClients, withStream } from './command-resources.ts'
import { readableDocument, type SeenStream, seeStream, storeWish, waitForReplica } from './seen-stream.ts'

export const checkpointRewind: RunCommand = (args, parts) =>
  withStream(args, parts, async (chosen) => {
    const { stream, shared } = chosen
    const to = requestedTime(args, chosen)
    const clients = await republishedClients(args, parts)
    const confirmedDocument =
      args.yes === true ? documentIdOf(await streamObject(stream, shared).read(parts.stop)) : null
    const rewind: Rewind = { id: randomUUID(), to, republish: args.republish === true, confirmedDocument, clients }
    const before = readableDocument(await seeStream(chosen, parts.stop))
    const replaced = waitingRewind(before, await storeWish(chosen, { rewind }, parts.stop))
    if (confirmedDocument === null) parts.printError(`stored${withYes}`)
    const unconfirmed = 'stored, but no replica has applied it yet; it stays'
    const { value, exit } = await waitForReplica(
      chosen,
      { answerIn: rewindOutcome(rewind, replaced), unconfirmed },
      parts,
    )
    return { exit, value: [...planText(stream.name, rewind), value] }
  })

/**
 * Returns the time to which the stream is rewound; null stands for the configured beginning. Throws `command.invalid`.
 */
function requestedTime({ to: text }: CommandArgs, { stream, shared }: ChosenStream): SourceTime | null {
  const { timeZone } = stream.poll
  if (text === 'beginning') return null
  const to = typeof text === 'string' ? parseSourceTime(text, timeZone) : undefined
  if (to === undefined)
    throw invalidRequest('--to must be a date, a date and time such as 2026-01-31T13:45:00, or beginning')
  const now = wallClock(shared.clock.now(), timeZone)
  if (to > now) throw invalidRequest(`--to is in the future: it is ${serverTimeText(now)}`)
  return to
}

/** Returns the hashed ids of the clients to publish again; undefined stands for all. Rejects with `command.invalid`. */
async function republishedClients(args: CommandArgs, parts: CommandParts): Promise<string[] | undefined> {
  const ids = await namedClients(args, parts)
  if (ids.length === 0) return undefined
  if (args.republish !== true) throw invalidRequest('--client must be used with --republish')
  if (args.yes === true) throw invalidRequest('--client must be used without --yes: it cures no hold')
  return ids.map(hashedId)
}

function planText(name: string, { to, republish, clients }: Rewind) {
  const from = to === null ? 'its configured beginning' : serverTimeText(to)
  const named = clients && `the named ones (${clients.length}) and `
  const which = republish && !named ? 'all of them' : `${named ?? ''}those that differ from their last event`
  const first = `stream ${name} reads the clients modified since ${from} again, and publishes ${which}`
  return republish ? [first, 'erased clients that still exist in Polaris are published again, too'] : [first]
}

/** Said at once: whether a stream is held, Kafka may decide, and no replica applies a rewind then. */
const withYes = '. If the stream is held over its checkpoint, repeat the command with --yes'

/** Returns a function that tells what became of the rewind; undefined: nothing yet. */
function rewindOutcome({ id, republish, confirmedDocument }: Rewind, replaced: Rewind | undefined) {
  const isCure = republish && confirmedDocument !== null
  const note = replaced === undefined ? '' : ' It has replaced one that was not applied yet.'
  return (stored: SeenStream): Answer | undefined => {
    const known = readableDocument(stored)
    if (known === undefined && !isCure)
      return { value: `stored, but there is no readable checkpoint${withYes} and --republish`, exit: 3 }
    if (known?.appliedRewind === id) return { value: `applied: epoch ${known.claim.epoch}.${note}`, exit: 0 }
    const present = waitingRewind(known, stored.wishes)
    const isGone = present !== undefined && present.id !== id
    return isGone ? { value: 'another rewind has replaced this one before it was applied', exit: 1 } : undefined
  }
}
