import type * as z from 'zod'
import { describedState } from '../../checkpoint/described-state.ts'
import { controlParts } from '../../compose/compose-control.ts'
import { openParts, withoutPlacement } from '../../compose/compose-stream.ts'
import { readControl } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import { checkOpening } from '../../inspect/check-stream.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'
import { rebuildIndex } from '../../stream/rewrite/rebuild-index.ts'
import type { RebuildProgress } from '../../stream/rewrite/topic-index.ts'
import { type Command, configOption, jsonOption, printOutput } from '../command.ts'
import { type ChosenStream, invalidRequest, streamOption, withStream } from '../command-resources.ts'
import { requestCheck } from '../control/control-request.ts'
import { progressReport } from '../output/shown-progress.ts'
import { type rebuildShape, stateOutput } from './checkpoint-output.ts'
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
      const json: z.output<typeof rebuildShape> = { stream: stream.name, clients, epoch, after: stateOutput(state) }
      const now = `now: epoch ${epoch}, ${describedState(state, stream.poll.timeZone)}`
      printOutput(args, parts, { json, lines: () => [`${clients} clients in the new index`, now] })
      return 0
    }),
}

/** A replica that runs the stream has confirmed a pause by then; otherwise no replica runs it. */
const CONFIRMED_WITHIN_MS = 20_000

/**
 * Resolves if the stream is paused, as its replica has confirmed, or if every replica would hold it. Throws
 * `command.invalid` otherwise; rejects with `storage.*`, `control.*`, `publish.*` or the reason of `stop`.
 */
export async function mustNotRun(
  { stream: { name }, shared }: Pick<ChosenStream, 'stream' | 'shared'>,
  opening: OpenParts,
  stop: AbortSignal,
): Promise<void> {
  const pause = pauseOf(await readControl(controlParts(shared).object, stop), name)
  const isConfirmed = pause?.progress.kind === 'done'
  if (isConfirmed || (pause && pause.requestedAt < shared.clock.now() - CONFIRMED_WITHIN_MS)) return
  if (pause !== undefined)
    throw invalidRequest(`no replica has confirmed the pause of stream ${name} yet: repeat the command in 20 seconds`)
  if (!(await isHeld(opening, stop)))
    throw invalidRequest(`stream ${name} is neither paused nor held: run \`polaris-connector pause ${name}\` first`)
}

/** Whether opening the stream would hold it, on any replica. Reads only. */
async function isHeld(opening: OpenParts, stop: AbortSignal): Promise<boolean> {
  try {
    await checkOpening(opening, stop)
    return false
  } catch (error) {
    if (errorCatalogue[codeOf(error)].then !== 'hold') throw error
    return true
  }
}
