/** Reads one item ahead: while one item is processed, the next one is already being read. */
export interface ReadAhead<Item> {
  /** Resolves with the next item, or undefined at the end. Rejects as the generator does. */
  take(): Promise<Item | undefined>
  /**
   * What `take` will return if it arrives before `timeout` settles. Undefined otherwise, at the end, or on a rejection.
   */
  peek(timeout: Promise<unknown>): Promise<Item | undefined>
  /** Waits until the generator has ended. Ask the generator to stop first. */
  close(): Promise<void>
}

export function readAhead<Item>(items: AsyncGenerator<Item, void>): ReadAhead<Item> {
  const startNext = () => {
    const started = items.next()
    started.catch(() => {}) // `take` reports it
    return started
  }
  let next = startNext()

  return {
    take: async () => {
      const result = await next
      if (result.done === true) return undefined
      next = startNext()
      return result.value
    },
    peek: (timeout) =>
      Promise.race([
        next.then(
          (result) => (result.done === true ? undefined : result.value),
          () => undefined,
        ),
        timeout.then(
          () => undefined,
          () => undefined,
        ),
      ]),
    close: async () => {
      await next.catch(() => {})
      await items.return()
    },
  }
}
