/** Takes items one after the other while the next one is already on its way: one in work, one waiting. */
export interface ReadAhead<Item> {
  /** The next item, undefined at the end; rejects as the generator did. */
  take(): Promise<Item | undefined>
  /** The item that `take` will give, if it comes before `patience` settles; undefined otherwise, also at the end or when it rejects. */
  peek(patience: Promise<unknown>): Promise<Item | undefined>
  /** Waits until the generator has ended; whoever calls it has asked the generator to stop. */
  close(): Promise<void>
}

export function readAhead<Item>(items: AsyncGenerator<Item, void>): ReadAhead<Item> {
  const start = () => {
    const next = items.next()
    next.catch(() => {}) // heard by whoever takes it
    return next
  }
  let coming = start()

  return {
    take: async () => {
      const result = await coming
      if (result.done === true) return undefined
      coming = start()
      return result.value
    },
    peek: (patience) =>
      Promise.race([
        coming.then(
          (result) => (result.done === true ? undefined : result.value),
          () => undefined,
        ),
        patience.then(
          () => undefined,
          () => undefined,
        ),
      ]),
    close: async () => {
      await coming.catch(() => {})
      await items.return()
    },
  }
}
