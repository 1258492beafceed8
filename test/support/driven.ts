import { settled, type VirtualClock } from './fakes/virtual-clock.ts'

/** Lets time pass until the work is done. */
export async function driven<Result>(clock: VirtualClock, work: Promise<Result>): Promise<Result> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  done.catch(() => {})
  for (await settled(); !isDone; await settled()) clock.fireNext()
  return await done
}
