import type { Clock } from '../../runtime/clock.ts'
import type { RebuildProgress } from '../../stream/rebuild-index.ts'
import type { CommandParts } from '../command.ts'

const TERMINAL_PERIOD_MS = 200
const LINE_PERIOD_MS = 10_000

/** Reports progress now and then: as a bar on a terminal, else as lines. */
export function progressReport(
  { showProgress, printError }: Pick<CommandParts, 'showProgress' | 'printError'>,
  clock: Pick<Clock, 'monotonic'>,
): (progress: RebuildProgress) => void {
  const periodMs = showProgress === undefined ? LINE_PERIOD_MS : TERMINAL_PERIOD_MS
  let nextAt = clock.monotonic()
  return (progress) => {
    if (clock.monotonic() < nextAt && progress.share < 1) return
    nextAt = clock.monotonic() + periodMs
    if (showProgress === undefined) printError(progressText(progress))
    else showProgress(`${progressBar(progress.share)} ${progressText(progress)}`)
  }
}

function progressText({ share, events, clients }: RebuildProgress): string {
  return `${Math.floor(share * 100)} % of the topic read: ${events} events, ${clients} clients`
}

const BAR_WIDTH = 30

function progressBar(share: number): string {
  const done = Math.floor(share * BAR_WIDTH)
  return `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}]`
}
