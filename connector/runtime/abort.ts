/** An abort controller that also aborts with its parent. Aborting or disposing removes the listener on the parent. */
interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal
  readonly abort: (reason?: unknown) => void
}

/**
 * Links an abort controller to a parent. Unlike `AbortSignal.any`, it retains no memory while the parent lives:
 * `AbortSignal.any` leaks per call on Node 22, and on every version per signal that still has listeners.
 */
export function linkedAbort(parent: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController()
  const onParent = () => controller.abort(parent?.reason)
  const unlink = () => parent?.removeEventListener('abort', onParent)
  const abort = (reason?: unknown) => {
    unlink()
    controller.abort(reason)
  }
  if (parent?.aborted) onParent()
  else parent?.addEventListener('abort', onParent, { once: true })
  return { signal: controller.signal, abort, [Symbol.dispose]: unlink }
}

/** Resolves when `signal` aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Settles like `promise`, or rejects with the signal's reason when it aborts first. The underlying operation continues
 * and its result is ignored: kafkajs accepts no signal.
 */
export function untilAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
