import { changeWishes, type Rewind, type WishesChangeParts, waitingRewind } from '../../checkpoint/wishes.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'

export interface RemovalParts extends WishesChangeParts {
  /** Reads the id of the rewind that was applied last. */
  readonly readAppliedRewind: (stop: AbortSignal) => Promise<string | null>
  /** Erases the clients; resolves to what it has done. */
  readonly erase: (stop: AbortSignal) => Promise<unknown>
}

export interface Removal {
  /** `unfinished`: a client that returned meanwhile, as it was, may be missing in the topic. */
  readonly kind: 'done' | 'unchanged' | 'unfinished'
  readonly text: unknown
}

/**
 * Removes clients from the topic. Two rewinds, one before the erasure and one after it, publish a client that returns
 * to Polaris, whatever its content. The first one is needed because the command may fail after the erasure, and the
 * next audit does not find these clients. The second one is needed in this case:
 *   1. A replica applies the first rewind.
 *   2. A client returns, and is published.
 *   3. It is erased.
 *   4. Its content is known in the index, so it is not published again.
 * Rejects with `storage.*`, as `erase` does, or with the reason of `stop`.
 */
export async function removeGone(
  { readAppliedRewind, erase, ...parts }: RemovalParts,
  rewind: Omit<Rewind, 'id'>,
  stop: AbortSignal,
): Promise<Removal> {
  /** Returns the id under which the rewind is stored; undefined if it is not stored, because another rewind waits. */
  const store = async (own?: string): Promise<string | undefined> => {
    const appliedRewind = await readAppliedRewind(stop)
    const id = parts.newNonce()
    const isFree = (waiting: Rewind | undefined) => waiting === undefined || waiting.id === own
    const change = await changeWishes(
      parts,
      (wishes) => (isFree(waitingRewind({ appliedRewind }, wishes)) ? { rewind: { ...rewind, id } } : undefined),
      stop,
    )
    return change.kind === 'written' ? id : undefined
  }
  const first = await store()
  if (first === undefined)
    return { kind: 'unchanged', text: 'a rewind waits until a replica applies it: nothing was changed' }
  const text = await erase(stop)
  const unfinishedRemoval = (why: string) =>
    ({ kind: 'unfinished', text: [text, `${why}: publish again what is missing in a later audit`] }) as const
  try {
    const second = await store(first)
    return second === undefined
      ? unfinishedRemoval('another rewind waits, the second is not stored')
      : { kind: 'done', text }
  } catch (error) {
    if (!stop.aborted && !(error instanceof ConnectorError)) throw error
    return unfinishedRemoval('the second rewind may not be stored')
  }
}
