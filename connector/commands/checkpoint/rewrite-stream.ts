import type * as z from 'zod'
import { describedState } from '../../checkpoint/described-state.ts'
import { openParts, streamIdentity, streamObject, withoutPlacement } from '../../compose/compose-stream.ts'
import type { ExitCode } from '../../runtime/error-catalogue.ts'
import { type Rewrite, type RewriteRequest, rewriteCheckpoint } from '../../stream/rewrite/rewrite-checkpoint.ts'
import { type CommandArgs, type CommandParts, jsonOption, printOutput } from '../command.ts'
import { type ChosenStream, invalidRequest } from '../command-resources.ts'
import { requestCheck } from '../control/control-request.ts'
import { elapsedText, showingProgress } from '../output/shown-progress.ts'
import { type rewriteShape, stateOutput } from './checkpoint-output.ts'
import { findRecord } from './found-record.ts'
import {
  plannedText,
  type Standing,
  skippedBy,
  standingOf,
  standingText,
  standingWithout,
  stepAfter,
} from './planned-rewrite.ts'

export const yesOption = { yes: { type: 'boolean', description: 'confirm the change' } } as const
export const rewriteOptions = { ...yesOption, ...jsonOption } as const

/**
 * Prints where the stream stands and what the rewrite means; with `--yes`, rewrites the checkpoint and prints the states
 * before and after. Resolves to the exit code.
 */
export async function rewriteTo(
  args: CommandArgs,
  parts: CommandParts,
  chosen: ChosenStream & { to: RewriteRequest['to']; standing: Standing },
): Promise<ExitCode> {
  const { stream, shared, closing, to, standing } = chosen
  const { print, stop } = parts
  const { timeZone } = stream.poll
  const request = { to, republish: args.republish === true, timeZone }
  const planned = plannedText({ ...request, beginAt: stream.beginAt }, standing)
  const next = stepAfter(request, standing)
  const nextLines = next === undefined ? [] : [`next: ${next}`]
  const isText = args.json !== true
  if (args.yes !== true && isText) {
    for (const line of [`now: ${standingText(standing, timeZone)}`, `plan: ${planned}`, ...nextLines]) print(line)
  }
  mustBeConfirmed(args, chosen, isText ? 'be changed according to this plan' : planned)
  const opening = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
  const rewrite = await opened(rewriteCheckpoint(opening, request, stop), parts, chosen)
  await requestCheck(chosen, parts)
  const skipped = to.kind === 'skip' ? skippedBy(to.from, standing, timeZone) : undefined
  const json = rewriteOutput(stream.name, rewrite, skipped)
  printOutput(args, parts, { json, lines: () => [...rewriteLines(rewrite, skipped, timeZone), ...nextLines] })
  return 0
}

/** Waits for an operation that opens the stream, and says so. */
export function opened<Result>(
  work: Promise<Result>,
  output: Pick<CommandParts, 'showProgress' | 'printError'>,
  { stream, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
): Promise<Result> {
  const needs = `Kafka at ${stream.kafka.brokers.join(', ')} and the checkpoint store`
  const text = (elapsedMs: number) => `opening stream ${stream.name} with ${needs} ${elapsedText(elapsedMs)}`
  return showingProgress(work, { output, text, clock: shared.clock })
}

function rewriteOutput(
  stream: string,
  { before, after }: Rewrite,
  skipped: string | undefined,
): z.output<typeof rewriteShape> {
  return {
    stream,
    before: before.kind === 'state' ? stateOutput(before.state) : null,
    skipped: skipped ?? null,
    epoch: after.claim.epoch,
    after: stateOutput(after.committed.state),
  }
}

function rewriteLines({ before, after }: Rewrite, skipped: string | undefined, timeZone: string): string[] {
  return [
    `before: ${beforeText(before, timeZone)}`,
    ...(skipped === undefined ? [] : [`skipped: ${skipped}`]),
    `now: epoch ${after.claim.epoch}, ${describedState(after.committed.state, timeZone)}`,
  ]
}

function beforeText(before: Rewrite['before'], timeZone: string): string {
  switch (before.kind) {
    case 'state':
      return describedState(before.state, timeZone)
    case 'none':
      return 'no checkpoint'
    case 'unknown':
      return `unknown, ${before.why}`
  }
}

/** Throws `command.invalid` without `--yes`. */
export function mustBeConfirmed(args: CommandArgs, { stream }: Pick<ChosenStream, 'stream'>, what: string): void {
  if (args.yes === true) return
  throw invalidRequest(`stream ${stream.name} would ${what}, and a running replica would lose it; add --yes to confirm`)
}

export async function storedStanding(chosen: ChosenStream, parts: CommandParts): Promise<Standing> {
  const { stream, shared } = chosen
  const stored = await streamObject(stream, shared).read(parts.stop)
  if (stored === undefined) return standingWithout(await findRecord(chosen, parts, parts.stop))
  const destination = { clusterId: null, topic: stream.kafka.topic.events }
  return standingOf(stored.text, { ...streamIdentity(stream, shared.config.connector), destination })
}
