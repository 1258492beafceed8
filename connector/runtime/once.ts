import { untilAborted } from './abort.ts'

/** The same result for every call; a call that throws is repeated by the next one. */
export function once<Result>(make: () => Result): () => Result {
  let made: { readonly result: Result } | undefined
  return () => {
    made ??= { result: make() }
    return made.result
  }
}

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
