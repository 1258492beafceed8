/** Reads one item ahead: while one item is processed, the next one is already being read. */
export interface ReadAhead<Item> {
  /** Resolves with the next item, or undefined at the end. Rejects as the generator does. */
  take(): Promise<Item | undefined>
  /**
   * What `take` will return if it arrives before `timeout` settles. Undefined otherwise, at the end, or on a rejection.
   */
  peek(timeout: Promise<unknown>): Promise<Item | undefined>
  /** Waits until the generator has ended. Ask it to stop first. */
  close(): Promise<void>
}

/** Asks `items` for its next item as soon as one is taken. Ends and rejects as it does. */
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
    peek: async (timeout) => {
      const ended = timeout.then(
        () => undefined,
        () => undefined,
      )
      const result = await Promise.race([next, ended])
      return result?.status === 'fulfilled' && result.value.done !== true ? result.value.value : undefined
    },
    close: async () => void (await items.return()),
  }
}
