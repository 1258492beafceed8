import { controlParts } from '../../compose/compose-control.ts'
import { readControl } from '../../control/control-document.ts'
import { pauseOf } from '../../control/requests.ts'
import { checkOpening } from '../../inspect/check-stream.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'
import type { OpenParts } from '../../stream/open/open-parts.ts'
import { type ChosenStream, invalidRequest } from '../chosen-stream.ts'

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
