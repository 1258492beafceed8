import type { Clock } from './clock.ts'

/** Lets so many in at a time, first come, first served. */
export interface Turns {
  /** Waits for a turn; disposing it lets the next one in. Rejects with the reason of `stop`. */
  take(stop: AbortSignal): Promise<Disposable>
}

export function turns(atATime: number): Turns {
  let free = atATime
  const waiting = new Set<() => void>()
  const letNextIn = () => {
    const [first] = waiting
    if (first === undefined) free += 1
    else first()
  }
  return {
    take: (stop) =>
      new Promise((resolve, reject) => {
        if (stop.aborted) return reject(stop.reason)
        const begin = () => {
          waiting.delete(begin)
          stop.removeEventListener('abort', leave)
          resolve(once(letNextIn))
        }
        const leave = () => {
          waiting.delete(begin)
          reject(stop.reason)
        }
        stop.addEventListener('abort', leave, { once: true })
        waiting.add(begin)
        if (free > 0) {
          free -= 1
          begin()
        }
      }),
  }
}

function once(end: () => void): Disposable {
  let isOver = false
  return {
    [Symbol.dispose]: () => {
      if (!isOver) end()
      isOver = true
    },
  }
}

/** The same turns, but one that is held for longer than `ms` lets the next one in all the same: whoever hangs holds nobody up. */
export function passingTurns(line: Turns, { ms, clock }: { ms: number; clock: Clock }): Turns {
  return {
    take: async (stop) => {
      const turn = await line.take(stop)
      const patience = clock.deadline(ms)
      const end = () => {
        patience[Symbol.dispose]()
        turn[Symbol.dispose]()
      }
      patience.signal.addEventListener('abort', end, { once: true })
      return { [Symbol.dispose]: end }
    },
  }
}
