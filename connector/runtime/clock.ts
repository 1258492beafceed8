import { setTimeout as delay } from 'node:timers/promises'
import { linkedAbort } from './abort.ts'

/** Durations in milliseconds. A day has 24 hours: it is not the day of a time zone. */
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** The signal aborts when the time is over or the parent aborts. Disposing removes timer and listener. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** A clock has time and randomness as an argument, so that tests control both. All times are in milliseconds. */
export interface Clock {
  /** Returns the time in ms since 1970-01-01T00:00:00Z. */
  now(): number
  /** Returns the ms since an arbitrary point, for durations; they never decrease. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, stop: AbortSignal): Promise<void>
  /** Returns a deadline that aborts after `ms`, or when `parent` aborts. */
  deadline(ms: number, parent?: AbortSignal): Deadline
  /** Returns a number in [0, 1). */
  random(): number
}

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, stop) => {
    stop.throwIfAborted()
    await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal: stop }).catch(() => stop.throwIfAborted())
  },
  deadline: (ms, parent) => {
    const linked = linkedAbort(parent)
    const expire = () => linked.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'))
    const timer = setTimeout(expire, Math.min(ms, LONGEST_TIMER_MS))
    return {
      signal: linked.signal,
      [Symbol.dispose]: () => {
        clearTimeout(timer)
        linked[Symbol.dispose]()
      },
    }
  },
  random: () => Math.random(),
}
