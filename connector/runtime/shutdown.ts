import type { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import type { Clock } from './clock.ts'

/** Returns a signal that aborts `ms` after `stop`: unfinished work is then abandoned. Disposing clears the timer. */
export function graceAfter(stop: AbortSignal, ms: number, clock: Clock): Disposable & { readonly signal: AbortSignal } {
  const expired = new AbortController()
  const disposed = new AbortController()
  const begin = () => {
    clock.sleep(ms, disposed.signal).then(
      () => expired.abort(new DOMException(`not finished within ${ms} ms of the stop`, 'TimeoutError')),
      () => {},
    )
  }
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, { once: true, signal: disposed.signal })
  return { signal: expired.signal, [Symbol.dispose]: () => disposed.abort() }
}

/** `stop` aborts at the first signal. Disposing removes the listeners. */
interface Shutdown extends Disposable {
  readonly stop: AbortSignal
}

const signals = ['SIGTERM', 'SIGINT'] as const

/**
 * Listens to signals. The first SIGTERM or SIGINT of `source`, such as `process`, requests a stop; the second exits
 * immediately with 128 + the signal number.
 */
export function stopOnSignals(source: EventEmitter, exit: (code: number) => void): Shutdown {
  const stopping = new AbortController()
  const listener = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) exit(128 + constants.signals[signal])
    else stopping.abort(new DOMException(`stopped by ${signal}`, 'AbortError'))
  }
  for (const signal of signals) source.on(signal, listener)
  return {
    stop: stopping.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) source.off(signal, listener)
    },
  }
}
