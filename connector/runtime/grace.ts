import type { Clock } from './clock.ts'

/** `signal` aborts `ms` after `stop` did: then whatever is still being finished is given up. Disposing it forgets the timer. */
export function graceAfter(stop: AbortSignal, ms: number, clock: Clock): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController()
  const forget = new AbortController()
  const begin = () => {
    clock.sleep(ms, forget.signal).then(
      () => over.abort(new DOMException(`not finished within ${ms} ms of the stop`, 'TimeoutError')),
      () => {},
    )
  }
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, { once: true, signal: forget.signal })
  return { signal: over.signal, [Symbol.dispose]: () => forget.abort() }
}
