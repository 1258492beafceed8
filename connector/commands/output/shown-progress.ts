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
