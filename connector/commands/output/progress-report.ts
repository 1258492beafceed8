import type { Clock } from '../../runtime/clock.ts'
import type { CommandParts } from '../command.ts'
import { timedProgress } from './shown-progress.ts'

/** `share`: how much is done, 0 to 1; null: unknown. */
export type ReportProgress = (share: number | null, text: string) => void

/** Reports progress now and then, and the end: as a bar on a terminal, else as lines. */
export function progressReport(
  parts: Pick<CommandParts, 'showProgress' | 'printError'>,
  clock: Pick<Clock, 'monotonic'>,
): ReportProgress {
  const show = timedProgress(parts, clock)
  let wasEnd = false
  return (share, text) => {
    const isEnd = share === 1 && !wasEnd
    wasEnd ||= isEnd
    const line = share === null ? text : `${Math.floor(share * 100)} % ${text}`
    const bar = parts.showProgress === undefined || share === null ? '' : `${progressBar(share)} `
    show(`${bar}${line}`, isEnd ? 'now' : 'in-time')
  }
}

const BAR_WIDTH = 30

function progressBar(share: number): string {
  const done = Math.floor(share * BAR_WIDTH)
  return `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}]`
}
