/** Takes items one after the other while the next ones are already on their way. */
export interface ReadAhead<Item> {
  /** The next item, undefined at the end; rejects as the generator did. */
  take(): Promise<Item | undefined>
  /** The item that `take` will give, if it comes before `patience` settles; undefined otherwise, also at the end or when it rejects. */
  peek(patience: Promise<unknown>): Promise<Item | undefined>
  /** Waits until the generator has ended; whoever calls it has asked the generator to stop. */
  close(): Promise<void>
}

/** So many pages are held at most: as many as hide the delivery of a group behind the reading of the next one. */
const AHEAD = 2

export function readAhead<Item>(items: AsyncGenerator<Item, void>): ReadAhead<Item> {
  const start = () => {
    const next = items.next() // the generator answers one call after the other
    next.catch(() => {}) // heard by whoever takes it
    return next
  }
  const coming = Array.from({ length: AHEAD }, start)
  const first = () => coming[0] ?? start()

  return {
    take: async () => {
      const result = await first()
      if (result.done === true) return undefined
      coming.shift()
      coming.push(start())
      return result.value
    },
    peek: (patience) =>
      Promise.race([
        first().then(
          (result) => (result.done === true ? undefined : result.value),
          () => undefined,
        ),
        patience.then(
          () => undefined,
          () => undefined,
        ),
      ]),
    close: async () => {
      await Promise.allSettled(coming)
      await items.return()
    },
  }
}
