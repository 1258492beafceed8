import type { Clock } from '../../runtime/clock.ts'
import type { CommandParts } from '../command.ts'

const PERIOD_MS = 200

interface ShownProgress {
  readonly output: Pick<CommandParts, 'showProgress'>
  /** What is done now. */
  readonly text: () => string
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>
}

/** Waits for `work`. On a terminal, shows meanwhile what is done, and for how long. */
export async function showingProgress<Result>(
  work: Promise<Result>,
  { output: { showProgress: show }, text, clock }: ShownProgress,
): Promise<Result> {
  const startedAt = clock.monotonic()
  const done = new AbortController()
  const showUntilDone = async () => {
    while (show !== undefined && !done.signal.aborted) {
      show(`${text()} (${Math.round((clock.monotonic() - startedAt) / 1000)} s)`)
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
