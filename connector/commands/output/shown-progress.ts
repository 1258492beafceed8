import type { Clock } from '../../runtime/clock.ts'
import type { CommandParts } from '../command.ts'

const PERIOD_MS = 200

interface ShownProgress {
  readonly output: Pick<CommandParts, 'showProgress'>
  readonly text: (elapsedMs: number) => string
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>
}

/** Waits for `work`. On a terminal, shows the text again and again meanwhile, so that the time in it advances. */
export async function showingProgress<Result>(work: Promise<Result>, { output, text, clock }: ShownProgress) {
  const startedAt = clock.monotonic()
  const done = new AbortController()
  const { showProgress: show } = output
  const showUntilDone = async () => {
    while (show !== undefined && !done.signal.aborted) {
      show(text(clock.monotonic() - startedAt))
      await clock.sleep(PERIOD_MS, done.signal).catch(() => {})
    }
    show?.('')
  }
  const showing = showUntilDone()
  try {
    return await work
  } finally {
    done.abort()
    await showing
  }
}

const LINE_PERIOD_MS = 10_000

/**
 * Returns a function that shows a text: at most five times a second on a terminal, else as a line every ten seconds.
 * `now`: whatever the time.
 */
function timedProgress(
  { showProgress, printError }: Pick<CommandParts, 'showProgress' | 'printError'>,
  clock: Pick<Clock, 'monotonic'>,
): (text: string, when: 'in-time' | 'now') => void {
  const periodMs = showProgress === undefined ? LINE_PERIOD_MS : PERIOD_MS
  const write = showProgress ?? printError
  let nextAt = clock.monotonic()
  return (text, when) => {
    if (clock.monotonic() < nextAt && when === 'in-time') return
    nextAt = clock.monotonic() + periodMs
    write(text)
  }
}

export const elapsedText = (elapsedMs: number) => `(${Math.round(elapsedMs / 1000)} s)`

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
