import { setTimeout as delay } from 'node:timers/promises'

/** A deadline: its signal aborts when the time is over or a parent aborts; disposing it frees the timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** Time and chance, as an argument, so that tests decide both. All times in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Milliseconds since some moment; never goes back. For durations. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, stop: AbortSignal): Promise<void>
  /** Aborts after `ms`, or with `parent`. */
  deadline(ms: number, parent?: AbortSignal): Deadline
  /** In [0, 1). */
  random(): number
}

/** A timer set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, stop) => {
    stop.throwIfAborted()
    await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal: stop }).catch(() => stop.throwIfAborted())
  },
  deadline: (ms, parent) => {
    const over = new AbortController()
    const end = () => over.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'))
    const timer = setTimeout(end, Math.min(ms, LONGEST_TIMER_MS))
    return {
      signal: parent === undefined ? over.signal : AbortSignal.any([over.signal, parent]),
      [Symbol.dispose]: () => clearTimeout(timer),
    }
  },
  random: () => Math.random(),
}
