import type { Clock } from '../../runtime/clock.ts'
import type { RebuildProgress } from '../../stream/rebuild-index.ts'
import type { CommandParts } from '../command.ts'
import { timedProgress } from '../output/shown-progress.ts'

/** Reports progress now and then: as a bar on a terminal, else as lines. */
export function progressReport(
  parts: Pick<CommandParts, 'showProgress' | 'printError'>,
  clock: Pick<Clock, 'monotonic'>,
): (progress: RebuildProgress) => void {
  const show = timedProgress(parts, clock)
  return (progress) => {
    const bar = parts.showProgress === undefined ? '' : `${progressBar(progress.share)} `
    show(`${bar}${progressText(progress)}`, progress.share < 1 ? 'in-time' : 'now')
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
