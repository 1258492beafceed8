/** Reads one item ahead: while one item is processed, the next one is already being read. */
export interface ReadAhead<Item> {
  /** Resolves with the next item, or undefined at the end. Rejects as the generators do. */
  take(): Promise<Item | undefined>
  /**
   * What `take` will return if it arrives before `timeout` settles. Undefined otherwise, at the end, or on a rejection.
   */
  peek(timeout: Promise<unknown>): Promise<Item | undefined>
  /** Waits until the main generator has ended. Ask the generators to stop first. */
  close(): Promise<void>
}

interface Arrival<Item> {
  readonly from: AsyncGenerator<Item, void>
  readonly result: PromiseSettledResult<IteratorResult<Item, void>>
}

/**
 * Reads all generators at the same time; their items are taken as they arrive. A generator is asked for its next item
 * once its last one is taken. Ends as `main` does, and rejects as any of them does.
 */
export function readAhead<Item>(
  main: AsyncGenerator<Item, void>,
  beside: readonly AsyncGenerator<Item, void>[] = [],
): ReadAhead<Item> {
  const arrived: Arrival<Item>[] = []
  /** The first arrival: an end or a rejection stays the first one. */
  let first = Promise.withResolvers<Arrival<Item>>()
  const request = async (from: AsyncGenerator<Item, void>) => {
    const [result] = await Promise.allSettled([from.next()])
    if (from !== main && result.status === 'fulfilled' && result.value.done === true) return
    arrived.push({ from, result })
    settleFirst()
  }
  const settleFirst = () => {
    const [arrival] = arrived
    if (arrival !== undefined) first.resolve(arrival)
  }
  for (const from of [...beside, main]) void request(from)
  return {
    take: async () => {
      const { from, result } = await first.promise
      if (result.status === 'rejected') throw result.reason
      if (result.value.done === true) return undefined
      arrived.shift()
      first = Promise.withResolvers()
      settleFirst()
      void request(from)
      return result.value.value
    },
    peek: async (timeout) => {
      const ended = timeout.then(
        () => undefined,
        () => undefined,
      )
      const result = (await Promise.race([first.promise, ended]))?.result
      return result?.status === 'fulfilled' && result.value.done !== true ? result.value.value : undefined
    },
    close: async () => {
      for (const from of beside) void from.return()
      await main.return()
    },
  }
}
