/** A limit on concurrent work; permits are granted in the order of the requests. */
export interface Semaphore {
  /** Waits for a permit; disposing releases it. Rejects with the reason of `stop`. */
  acquire(stop: AbortSignal): Promise<Disposable>
}

export function semaphore(permits: number): Semaphore {
  let free = permits
  const pendingGrants = new Set<() => void>()
  const release = () => {
    const [first] = pendingGrants
    if (first === undefined) free += 1
    else first()
  }
  return {
    acquire: (stop) =>
      new Promise((resolve, reject) => {
        if (stop.aborted) return reject(stop.reason)
        const grant = () => {
          pendingGrants.delete(grant)
          stop.removeEventListener('abort', cancel)
          resolve(disposableOnce(release))
        }
        const cancel = () => {
          pendingGrants.delete(grant)
          reject(stop.reason)
        }
        stop.addEventListener('abort', cancel, { once: true })
        pendingGrants.add(grant)
        if (free > 0) {
          free -= 1
          grant()
        }
      }),
  }
}

function disposableOnce(release: () => void): Disposable {
  let isReleased = false
  return {
    [Symbol.dispose]: () => {
      if (!isReleased) release()
      isReleased = true
    },
  }
}
