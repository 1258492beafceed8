import type { VirtualClock } from './fakes/virtual-clock.ts'

/** Fires timers until the work is done. */
export async function driven<Result>(clock: VirtualClock, work: Promise<Result>): Promise<Result> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  done.catch(() => {})
  while (!isDone) {
    clock.fireNext()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return await done
}
