import { composeAudit } from '../compose/compose-inspection.ts'
import { streamObject } from '../compose/compose-stream.ts'
import { hashedId } from '../index/index-entry.ts'
import { auditStream } from '../inspect/audit/audit-stream.ts'
import { type Removal, removeGone } from '../inspect/audit/remove-gone.ts'
import { knownMapping } from '../inspect/inspected-pages.ts'
import { type ExitCode, highestExit } from '../runtime/error-catalogue.ts'
import { wallClock } from '../source/source-time.ts'
import { type CommandArgs, type CommandParts, invalidRequest, MAX_CLIENTS, type RunCommand } from './command.ts'
import { type ChosenStream, namedClients, onlyStream, runAsOperator } from './command-resources.ts'
import { eraseClients } from './erase.ts'
import { changeParts, readableDocument, seeStream } from './seen-stream.ts'

export const audit: RunCommand = async (args, parts) => {
  const wanted = await auditOptionsIn(args, parts)
  const isOne = Object.values(wanted).some((one) => one !== undefined)
  return await runAsOperator(args, parts, async ({ streams, ...resources }) => {
    const audited: StreamAudit[] = []
    for (const stream of isOne ? [onlyStream(streams)] : streams)
      audited.push(await auditOne({ stream, ...resources }, wanted, parts))
    const values = audited.map(({ report, ids }) => ids ?? report)
    return { exit: highestExit(audited.map(exitOf)), value: values.length === 1 ? values[0] : values }
  })
}

function exitOf({ report: { agree, client, removal, differences } }: StreamAudit): ExitCode {
  if (removal?.kind === 'unfinished') return 3
  const isRemoved = removal?.kind === 'done' && differences.missing + differences.different === 0
  return (client?.isNothingLeft ?? (agree || isRemoved)) ? 0 : 1
}

/** Returns what the options ask for, of which at most one may be given. Rejects with `command.invalid`. */
async function auditOptionsIn({ ids, 'remove-gone': count, ...args }: CommandArgs, parts: CommandParts) {
  const [client, ...others] = await namedClients(args, parts)
  if (others.length > 0) throw invalidRequest('--client must be the id of one client')
  if ([ids, client, count].filter((one) => one !== undefined).length > 1)
    throw invalidRequest('--ids, --client and --remove-gone must be used one at a time')
  return {
    ids: ids as 'missing' | 'gone' | 'similar' | undefined,
    client,
    /** Clients that are gone are removed if they are at most so many. */
    removeGone: count === undefined ? undefined : Number(count),
  }
}

type StreamAudit = Awaited<ReturnType<typeof auditOne>>

/** Audits one stream. Invariant 8: ids are printed only if they were asked for. */
async function auditOne(
  chosen: ChosenStream,
  { ids: wanted, client, removeGone: most }: Awaited<ReturnType<typeof auditOptionsIn>>,
  { showProgress, printError, stop }: CommandParts,
) {
  const { stream, shared, closing } = chosen
  const startedAt = shared.clock.now()
  using _ = showProgress(`auditing ${stream.name}`)
  const parts = composeAudit(stream, {
    shared,
    closing,
    mapping: await knownMapping(streamObject(stream, shared), stop),
  })
  const { report, ids, partitionsOf } = await auditStream(parts, client, stop)
  const { gone } = ids
  const removal =
    most === undefined ? undefined : await removeGoneClients({ gone, partitionsOf, most, startedAt }, chosen, stop)
  return { report: { stream: stream.name, ...report, removal }, ids: wanted && printedIds(ids[wanted], printError) }
}

/** Returns as many ids as a command takes, and says if there are more. */
export function printedIds(ids: readonly string[], printError: CommandParts['printError']): readonly string[] {
  if (ids.length > MAX_CLIENTS) printError(`only the first ${MAX_CLIENTS} of ${ids.length} ids are printed`)
  return ids.slice(0, MAX_CLIENTS)
}

interface GoneClients extends Pick<Awaited<ReturnType<typeof auditStream>>, 'partitionsOf'> {
  readonly gone: readonly string[]
  readonly most: number
  /** The audit started at this time, in ms since 1970. */
  readonly startedAt: number
}

async function removeGoneClients(
  { gone, partitionsOf: seenIn, most, startedAt }: GoneClients,
  chosen: ChosenStream,
  stop: AbortSignal,
): Promise<Removal> {
  if (gone.length === 0) return { kind: 'done', text: 'no client is gone' }
  if (gone.length > most) return { kind: 'unchanged', text: `${gone.length} clients are gone: nothing was changed` }
  const parts = {
    ...changeParts(chosen),
    readAppliedRewind: async () => readableDocument(await seeStream(chosen, stop))?.appliedRewind ?? null,
    erase: () => eraseClients({ type: 'client.removed', clients: gone, seenIn }, chosen, stop),
  }
  const to = wallClock(startedAt, chosen.stream.poll.timeZone)
  return await removeGone(parts, { to, republish: true, confirmedDocument: null, clients: gone.map(hashedId) }, stop)
}
