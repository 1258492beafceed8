import type { Clock } from '../../connector/runtime/clock.ts'

/** Time that moves only when told. Timers fire in order of their time, then of their making. */
export interface VirtualClock extends Clock {
  /** When the next timer is due; undefined when none is set. */
  nextTimerAt(): number | undefined
  /** Moves to the next timer and fires it. */
  fireNext(): void
  /** Moves time without reaching a timer. */
  pass(ms: number): void
}

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export function virtualClock(startAt: number, random: () => number = () => 0.5): VirtualClock {
  let now = startAt
  let timers: Timer[] = []

  const set = (ms: number, fire: () => void): Timer => {
    const timer = { at: now + Math.max(0, ms), fire }
    const index = timers.findLastIndex(({ at }) => at <= timer.at)
    timers.splice(index + 1, 0, timer)
    return timer
  }
  const clear = (timer: Timer) => {
    timers = timers.filter((other) => other !== timer)
  }

  return {
    now: () => now,
    monotonic: () => now,
    random,
    sleep: (ms, stop) =>
      new Promise((resolve, reject) => {
        if (stop.aborted) {
          reject(stop.reason)
          return
        }
        const onAbort = () => {
          clear(timer)
          reject(stop.reason)
        }
        const timer = set(ms, () => {
          stop.removeEventListener('abort', onAbort)
          resolve()
        })
        stop.addEventListener('abort', onAbort, { once: true })
      }),
    deadline: (ms, parent) => {
      const over = new AbortController()
      const timer = set(ms, () => over.abort(new DOMException('not done in time', 'TimeoutError')))
      return {
        signal: parent === undefined ? over.signal : AbortSignal.any([over.signal, parent]),
        [Symbol.dispose]: () => clear(timer),
      }
    },
    nextTimerAt: () => timers[0]?.at,
    fireNext: () => {
      const timer = timers.shift()
      if (timer === undefined) return
      now = Math.max(now, timer.at)
      timer.fire()
    },
    pass: (ms) => {
      now = Math.min(now + ms, timers[0]?.at ?? Number.POSITIVE_INFINITY)
    },
  }
}
