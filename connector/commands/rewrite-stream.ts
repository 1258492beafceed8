import { openParts, withoutPlacement } from '../compose.ts'
import { rewriteCheckpoint } from '../pipeline/rewrite-checkpoint.ts'
import type { ReadArguments } from '../source/client-source.ts'
import { type ChosenStream, invalidRequest } from './chosen-stream.ts'
import type { CommandArgs, CommandParts } from './command.ts'
import { describedState } from './described-checkpoint.ts'

export const yesOption = { yes: { type: 'boolean', description: 'really do it' } } as const

/** Makes the stream read again from `to`, if `--yes` says so; prints what held and what holds now. Resolves to the exit code. */
export async function rewriteTo(
  args: CommandArgs,
  { print, stop }: CommandParts,
  chosen: ChosenStream & { to: ReadArguments },
): Promise<number> {
  const { stream, around, closing, to } = chosen
  if (args.yes !== true) {
    throw invalidRequest(
      `stream ${stream.name} would read again from ${to.lastChanged}, and a running connector would lose it: add --yes to do it`,
    )
  }
  const opening = openParts(stream, around, { ...withoutPlacement, observe: () => {}, closing })
  const { before, after } = await rewriteCheckpoint(opening, to, stop)
  switch (before.kind) {
    case 'state':
      print(`before: ${JSON.stringify(describedState(before.state))}`)
      break
    case 'none':
      print('before: no checkpoint')
      break
    case 'unclear':
      print(`before: not clear, ${before.why}`)
  }
  print(`now: ${JSON.stringify({ epoch: after.claim.epoch, ...describedState(after.committed.state) })}`)
  return 0
}
