import { linkedAbort } from '../runtime/abort.ts'
import type { Clock } from '../runtime/clock.ts'
import { MAX_ENTRIES } from './group/builder-state.ts'
import type { PageGroupBuilder } from './group/page-group.ts'
import type { PageReading } from './read/reader-parts.ts'

interface GatherParts {
  readonly builder: PageGroupBuilder
  /** Is called for each page, with the total size in bytes of the record values that it adds to the group. */
  readonly onPageAdded: (reading: PageReading, addedBytes: number) => void
  readonly clock: Clock
  readonly groupMaxValueBytes: number
  readonly groupMaxDelayMs: number
  readonly takesOnePage?: () => boolean
}

/**
 * Takes the next page and, under a backlog, those that follow within `groupMaxDelayMs`. The last page of a scan never
 * waits for others. Resolves to why the group takes no more pages.
 */
export async function gatherGroup(
  { builder, onPageAdded, clock, groupMaxValueBytes, groupMaxDelayMs, takesOnePage = () => false }: GatherParts,
  pages: ReadAhead<PageReading>,
  stop: AbortSignal,
): Promise<'complete' | 'no-more-pages'> {
  using delayAbort = linkedAbort(stop)
  let delay: Promise<unknown> | undefined
  const addPage = (reading: PageReading | undefined): 'incomplete' | 'complete' | 'no-more-pages' => {
    if (reading === undefined) return 'no-more-pages'
    const valueBytesBefore = builder.valueBytes()
    builder.add(reading)
    onPageAdded(reading, builder.valueBytes() - valueBytesBefore)
    const isFull = builder.valueBytes() >= groupMaxValueBytes || builder.entryCount() >= MAX_ENTRIES
    return reading.isLast || isFull || takesOnePage() ? 'complete' : 'incomplete'
  }
  // V8 keeps the variables of a function that waits. So none of this function holds a page, or the promise of one.
  const addNext = (take: () => Promise<PageReading | undefined>) => take().then(addPage)
  let result = await addNext(() => takeUnlessStopped(pages, stop))
  while (result === 'incomplete') {
    delay ??= clock.sleep(groupMaxDelayMs, delayAbort.signal).catch(() => {})
    if (!(await pages.isNextHere(delay))) return stop.aborted ? 'no-more-pages' : 'complete'
    result = await addNext(pages.take)
  }
  return result
}

/** Once `stop` has aborted, takes only a page that is already read, so that it is not read again. */
async function takeUnlessStopped(pages: ReadAhead<PageReading>, stop: AbortSignal): Promise<PageReading | undefined> {
  if (stop.aborted && !(await pages.isNextHere(Promise.resolve()))) return undefined
  try {
    return await pages.take()
  } catch (error) {
    if (stop.aborted) return undefined
    throw error
  }
}

/** Reads one item ahead: while one item is processed, the next one is already being read. */
export interface ReadAhead<Item> {
  /** Resolves with the next item, or undefined at the end. Rejects as the generator does. */
  take(): Promise<Item | undefined>
  /**
   * Resolves with whether `take` will return an item, if that is known before `timeout` resolves. Otherwise, and if
   * `take` will reject, it resolves with false. `timeout` must not reject.
   */
  isNextHere(timeout: Promise<unknown>): Promise<boolean>
  /** Waits until the generator has ended, which must be asked to stop before. */
  close(): Promise<void>
}

/** Asks `items` for its next item as soon as one is taken. Ends and rejects as `items` does. */
export function readAhead<Item>(items: AsyncGenerator<Item, void>): ReadAhead<Item> {
  const request = async () => (await Promise.allSettled([items.next()]))[0]
  let next = request()
  return {
    take: async () => {
      const result = await next
      if (result.status === 'rejected') throw result.reason
      if (result.value.done === true) return undefined
      next = request()
      return result.value.value
    },
    isNextHere: (timeout) => {
      // A race for the item itself would keep the item in memory until `timeout` resolves.
      const isHere = next.then((result) => result.status === 'fulfilled' && result.value.done !== true)
      return Promise.race([isHere, timeout.then(() => false)])
    },
    close: async () => void (await items.return()),
  }
}
