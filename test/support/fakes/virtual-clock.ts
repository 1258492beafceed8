import { linkedAbort } from '../../../connector/runtime/abort.ts'
import type { Clock } from '../../../connector/runtime/clock.ts'

/** Runs all pending promise callbacks. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A clock that a test moves. Timers fire in order of their due time, then of their creation. */
export interface VirtualClock extends Clock {
  /** Calls `fire` after `ms`; the returned function cancels it. */
  timer(ms: number, fire: () => void): () => void
  /** Due time of the next timer; undefined when none is set. */
  nextTimerAt(): number | undefined
  /** Moves time to the next timer and fires it. */
  fireNext(): void
  /** Lets this time pass: fires each timer that is due meanwhile, and runs what it has woken. */
  advance(ms: number): Promise<void>
  /** Moves time, at most up to the next timer, which does not fire. */
  pass(ms: number): void
  /** Moves time past timers, which then fire late, as after a pause of the whole process. */
  jump(ms: number): void
}

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export function virtualClock(startAt: number, random: () => number = () => 0.5): VirtualClock {
  let now = startAt
  let timers: Timer[] = []

  const timer = (ms: number, fire: () => void) => {
    const set = { at: now + Math.max(0, ms), fire }
    const index = timers.findLastIndex(({ at }) => at <= set.at)
    timers.splice(index + 1, 0, set)
    return () => {
      timers = timers.filter((other) => other !== set)
    }
  }

  const nextTimerAt = () => timers[0]?.at
  const fireNext = () => {
    const next = timers.shift()
    if (next === undefined) return
    now = Math.max(now, next.at)
    next.fire()
  }

  return {
    ...waitingBy(timer),
    timer,
    now: () => now,
    monotonic: () => now,
    random,
    nextTimerAt,
    fireNext,
    advance: async (ms) => {
      const end = now + ms
      for (await settled(); (nextTimerAt() ?? Number.POSITIVE_INFINITY) <= end; await settled()) fireNext()
      now = Math.max(now, end)
    },
    pass: (ms) => {
      now = Math.max(now, Math.min(now + ms, nextTimerAt() ?? Number.POSITIVE_INFINITY))
    },
    jump: (ms) => {
      now += ms
    },
  }
}

/** The clock's waiting functions, built on any kind of timer. */
export function waitingBy(timer: VirtualClock['timer']): Pick<Clock, 'sleep' | 'deadline'> {
  return {
    sleep: (ms, stop) =>
      new Promise((resolve, reject) => {
        if (stop.aborted) {
          reject(stop.reason)
          return
        }
        const onAbort = () => {
          cancel()
          reject(stop.reason)
        }
        const cancel = timer(ms, () => {
          stop.removeEventListener('abort', onAbort)
          resolve()
        })
        stop.addEventListener('abort', onAbort, { once: true })
      }),
    deadline: (ms, parent) => {
      const over = linkedAbort(parent)
      const cancel = timer(ms, () => over.abort(new DOMException('not done in time', 'TimeoutError')))
      return {
        signal: over.signal,
        [Symbol.dispose]: () => {
          cancel()
          over[Symbol.dispose]()
        },
      }
    },
  }
}
