import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ControlWatch } from './control-watch.ts'
import { openChecks } from './requests.ts'

/** Requests of operators to check at once whether a held stream can continue. */
export interface CheckRequests {
  /** From now on, the checks of the hold answer the requests; until it is disposed. */
  hold(): Disposable
  /** Resolves after the pause, or earlier if a check is requested. Rejects with the reason of `stop`. */
  pause(ms: number, stop: AbortSignal): Promise<void>
  /** A check begins: returns a function to call when it has ended, which answers what was requested before. */
  begin(): () => void
  /** Answers the requests at once while the stream is not held: there is nothing to check. Ends when `stop` aborts. */
  run(stop: AbortSignal): Promise<void>
}

export function checkRequests(
  control: Pick<ControlWatch, 'current' | 'until' | 'carriedOut' | 'isCarriedOut'>,
  stream: string,
  clock: Pick<Clock, 'sleep'>,
): CheckRequests {
  let isHeld = false
  const open = () => openChecks(control.current(), stream).filter((id) => !control.isCarriedOut(id))
  const answer = (ids: readonly string[]) => {
    for (const id of ids) control.carriedOut({ id })
  }
  return {
    hold: () => {
      isHeld = true
      return {
        [Symbol.dispose]: () => {
          isHeld = false
        },
      }
    },
    pause: async (ms, stop) => {
      using waiting = linkedAbort(stop)
      await Promise.race([clock.sleep(ms, waiting.signal), control.until(() => open().length > 0, waiting.signal)])
      waiting.abort()
      stop.throwIfAborted()
    },
    begin: () => {
      const ids = open()
      return () => answer(ids)
    },
    run: async (stop) => {
      while (await control.until(() => !isHeld && open().length > 0, stop)) answer(open())
    },
  }
}
