import { untilAborted } from './abort.ts'

/** Does `work` once for all callers together; after a failure, which all of them get, the next call does it again. */
export function onceDone(work: () => Promise<void>): (stop: AbortSignal) => Promise<void> {
  let doing: Promise<void> | undefined
  return (stop) => {
    doing ??= work().catch((error: unknown) => {
      doing = undefined
      throw error
    })
    return untilAborted(stop, doing)
  }
}
