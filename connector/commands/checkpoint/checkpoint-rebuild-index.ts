import type * as z from 'zod'
import { describedState } from '../../checkpoint/described-state.ts'
import { openParts, withoutPlacement } from '../../compose/compose-stream.ts'
import { rebuildIndex } from '../../stream/rewrite/rebuild-index.ts'
import type { RebuildProgress } from '../../stream/rewrite/topic-index.ts'
import { streamOption, withStream } from '../chosen-stream.ts'
import { type Command, configOption, jsonOption, printJson } from '../command.ts'
import { requestCheck } from '../control/request-check.ts'
import { progressReport } from '../output/progress-report.ts'
import { rebuildShape, stateOutput } from './checkpoint-output.ts'
import { mustNotRun } from './must-not-run.ts'
import { mustBeConfirmed, opened, yesOption } from './rewrite-stream.ts'

export const checkpointRebuildIndex: Command = {
  name: 'checkpoint rebuild-index',
  summary: 'make the client index of a stream again from its topic',
  usage:
    'For a stream whose index segments are missing or damaged. The stream must be held for that reason,\n' +
    'or paused (`pause`), so that no replica runs it. Reads the whole events topic, and stores a new\n' +
    'index with the next epoch: the last event of each client counts. Clients that are only in the\n' +
    'dead-letter topic, or whose events the topic no longer has, are published again when they are\n' +
    'read. Scans continue where they were. Starts over if the checkpoint changes meanwhile. Prints the\n' +
    'progress.',
  options: { ...configOption, ...streamOption, ...yesOption, ...jsonOption },
  examples: ['checkpoint rebuild-index --config connector.yaml --stream lyon --yes'],
  outputs: { '--json': rebuildShape },
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      const { stream, shared, closing } = chosen
      mustBeConfirmed(args, chosen, 'get a new client index')
      const opening = openParts(stream, shared, { ...withoutPlacement, observe: () => {}, closing })
      const report = progressReport(parts, shared.clock)
      const begun = Promise.withResolvers<void>()
      const onProgress = ({ share, events, clients }: RebuildProgress) => {
        begun.resolve()
        report(share, `of the topic read: ${events} events, ${clients} clients`)
      }
      const rebuild = { ...opening, mustNotRun: (stop: AbortSignal) => mustNotRun(chosen, opening, stop), onProgress }
      const rebuilding = rebuildIndex(rebuild, parts.stop)
      await opened(Promise.race([rebuilding, begun.promise]), parts, chosen)
      const { after, clients } = await rebuilding
      await requestCheck(chosen, parts)
      if (parts.showProgress !== undefined) parts.printError('')
      const { state } = after.committed
      const { epoch } = after.claim
      const output: z.output<typeof rebuildShape> = { stream: stream.name, clients, epoch, after: stateOutput(state) }
      if (args.json === true) printJson(parts, output)
      else {
        parts.print(`${clients} clients in the new index`)
        parts.print(`now: epoch ${epoch}, ${describedState(state, stream.poll.timeZone)}`)
      }
      return 0
    }),
}
