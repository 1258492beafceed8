import type * as z from 'zod'
import { type CheckpointDocument, parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState, readUntil } from '../../checkpoint/described-state.ts'
import { openParts, streamObject, withoutPlacement } from '../../compose/compose-stream.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { type RewriteRequest, rewriteCheckpoint } from '../../stream/rewrite-checkpoint.ts'
import { type ChosenStream, invalidRequest } from '../chosen-stream.ts'
import { type CommandArgs, type CommandParts, jsonOption, printJson } from '../command.ts'
import { type rewriteShape, stateOutput } from './checkpoint-output.ts'

export const yesOption = { yes: { type: 'boolean', description: 'confirm the change' } } as const
export const rewriteOptions = {
  ...yesOption,
  republish: { type: 'boolean', description: 'also publish unchanged clients again' },
  ...jsonOption,
} as const

/** With `--yes`, rewrites the checkpoint and prints the states before and after. Resolves to the exit code. */
export async function rewriteTo(
  args: CommandArgs,
  parts: CommandParts,
  chosen: ChosenStream & { to: RewriteRequest['to'] },
): Promise<number> {
  const { stream, shared, closing, to } = chosen
  const { print, stop } = parts
  const { timeZone } = stream.poll
  const skipped = to.kind === 'skip' ? skippedBy(to.from, await storedDocument(chosen, stop), timeZone) : undefined
  mustBeConfirmed(args, chosen, planOf(to, skipped))
  const opening = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  const request = { to, republish: args.republish === true, timeZone }
  const { before, after } = await rewriteCheckpoint(opening, request, stop)
  if (args.json === true) {
    printJson(parts, {
      ...{ stream: stream.name, before: before.kind === 'state' ? stateOutput(before.state) : null },
      ...{ skipped: skipped ?? null, epoch: after.claim.epoch, after: stateOutput(after.committed.state) },
    } satisfies z.output<typeof rewriteShape>)
    return 0
  }
  switch (before.kind) {
    case 'state':
      print(`before: ${describedState(before.state, timeZone)}`)
      break
    case 'none':
      print('before: no checkpoint')
      break
    case 'unknown':
      print(`before: unknown, ${before.why}`)
  }
  if (skipped !== undefined) print(`skipped: ${skipped}`)
  print(`now: epoch ${after.claim.epoch}, ${describedState(after.committed.state, timeZone)}`)
  return 0
}

function planOf(to: RewriteRequest['to'], skipped: string | undefined): string {
  switch (to.kind) {
    case 'read-again':
      return `be read again from ${to.from}`
    case 'reset':
      return 'be read again from POLARIS_LAST_CHANGED'
    case 'skip':
      return `continue at ${to.from} and skip ${skipped}`
  }
}

/** Throws `checkpoint.invalid-request` without `--yes`. */
export function mustBeConfirmed(args: CommandArgs, { stream }: Pick<ChosenStream, 'stream'>, what: string): void {
  if (args.yes === true) return
  throw invalidRequest(`stream ${stream.name} would ${what}, and a running replica would lose it; add --yes to confirm`)
}

/** The stored document; undefined if there is none that can be read. */
export async function storedDocument(
  { stream, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
  stop: AbortSignal,
): Promise<CheckpointDocument | undefined> {
  const stored = await streamObject(stream, shared).read(stop)
  try {
    return stored === undefined ? undefined : parseDocument(stored.text)
  } catch (error) {
    if (error instanceof ConnectorError) return undefined
    throw error
  }
}

/** What is not read if all scans continue at a time. Pure. */
export function skippedBy(from: SourceTime, document: CheckpointDocument | undefined, timeZone: string): string {
  if (document === undefined) return `everything before ${from}`
  const { scans, recheck } = document.committed.state
  const until = readUntil(scans, timeZone)
  const skipped = [
    ...(scans.backfill === 'done' ? [] : ['the rest of the backfill']),
    ...(recheck === null || recheck.from >= from ? [] : [`what was to be read again from ${recheck.from}`]),
    ...(until === undefined || until >= from ? [] : [`changes from ${until} to ${from}`]),
  ]
  return skipped.length === 0 ? 'nothing' : skipped.join(' and ')
}
