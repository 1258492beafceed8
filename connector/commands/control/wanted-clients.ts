import type { Republication } from '../../control/stream-requests.ts'
import { clientKey, keyAsText } from '../../index/index-entry.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { parseSourceTime, serverTimeText, wallClock } from '../../source/source-time.ts'
import { type CommandArgs, type CommandParts, optionText } from '../command.ts'
import { invalidRequest } from '../command-resources.ts'
import { namedClients } from '../named-clients.ts'

const DEFAULT_RATE = 100
const MAX_RATE = 100_000

/** What to publish again, and the named clients by their keys. */
export interface WantedRepublish extends Pick<Republication, 'from' | 'wanted'> {
  readonly idsByKey: ReadonlyMap<string, string>
}

interface StreamTimes {
  /** The configured beginning. */
  readonly beginAt: SourceTime | undefined
  /** Of the server (IANA name). */
  readonly timeZone: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Rejects with `command.invalid`. */
export async function wantedRepublish(
  args: CommandArgs,
  { beginAt, timeZone, now }: StreamTimes,
  { print, readInput }: Pick<CommandParts, 'print' | 'readInput'>,
): Promise<WantedRepublish> {
  const ids = await namedClients(args, { readInput })
  const text = optionText(args, 'from')
  if (text === undefined && ids.length === 0)
    throw invalidRequest('--from or --client must say which clients to publish again')
  const from = text === undefined || text === 'beginning' ? null : fromIn(text, timeZone, wallClock(now, timeZone))
  const isEarly = from !== null && beginAt !== undefined && from < beginAt
  if (isEarly) print(`note: the stream begins at ${serverTimeText(beginAt)}, clients modified before are not read`)
  const rate = rateIn(args)
  if (ids.length > 0 && rate !== undefined) throw invalidRequest('--rate must be used without --client')
  const idsByKey = new Map(ids.map((id) => [keyAsText(clientKey(id)), id]))
  return {
    from: isEarly ? null : from,
    wanted:
      ids.length === 0
        ? { kind: 'all', maxPerSecond: rate ?? DEFAULT_RATE }
        : { kind: 'clients', keys: [...idsByKey.keys()] },
    idsByKey,
  }
}

function fromIn(text: string, timeZone: string, now: SourceTime): SourceTime {
  const from = parseSourceTime(text, timeZone)
  if (from === undefined)
    throw invalidRequest('--from must be a date, a date and time such as 2026-01-31T13:45:00, or beginning')
  if (from > now) throw invalidRequest(`--from is in the future: it is ${serverTimeText(now)}`)
  return from
}

function rateIn(args: CommandArgs): number | undefined {
  const text = optionText(args, 'rate')
  if (text === undefined) return undefined
  const rate = Number(text)
  if (/^\d+$/.test(text) && rate >= 1 && rate <= MAX_RATE) return rate
  throw invalidRequest(`--rate must be a number of events a second from 1 to ${MAX_RATE}`)
}
