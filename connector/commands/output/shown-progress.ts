import type { Clock } from '../../runtime/clock.ts'
import type { CommandParts } from '../command.ts'

const PERIOD_MS = 200

interface ShownProgress {
  /** Undefined: nothing is shown. */
  readonly show: CommandParts['showProgress']
  readonly text: () => string
  readonly clock: Pick<Clock, 'sleep'>
}

/** Waits for `work`, and shows the text again and again meanwhile, so that the time in it advances. */
export async function showingProgress<Result>(work: Promise<Result>, { show, text, clock }: ShownProgress) {
  if (show === undefined) return await work
  const done = new AbortController()
  const showUntilDone = async () => {
    while (!done.signal.aborted) {
      show(text())
      await clock.sleep(PERIOD_MS, done.signal).catch(() => {})
    }
    show('')
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
export function timedProgress(
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
