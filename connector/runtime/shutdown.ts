import { constants } from 'node:os'

/** Where signals come from; `process` is one. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** `stop` aborts at the first signal; disposing it stops listening. */
export interface Shutdown extends Disposable {
  readonly stop: AbortSignal
}

const signals = ['SIGTERM', 'SIGINT'] as const

/** The first SIGTERM or SIGINT asks to stop, a second leaves at once with 128 + its number. */
export function stopOnSignals(source: SignalSource, exit: (code: number) => void): Shutdown {
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
