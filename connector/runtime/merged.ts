interface Arrival<Item> {
  readonly from: AsyncGenerator<Item, void>
  readonly result: PromiseSettledResult<IteratorResult<Item, void>>
}

/**
 * Yields the items of both generators as they arrive. Ends as `main` does, and rejects as either does. While `main` has
 * not yielded its next item, it is never asked for another one.
 */
export async function* merged<Item>(
  main: AsyncGenerator<Item, void>,
  beside: AsyncGenerator<Item, void>,
): AsyncGenerator<Item, void> {
  const arrived: Arrival<Item>[] = []
  let wake = () => {}
  // Not `Promise.race`, which retains memory on a promise that stays pending.
  const request = async (from: AsyncGenerator<Item, void>) => {
    const [result] = await Promise.allSettled([from.next()])
    arrived.push({ from, result })
    wake()
  }
  void request(beside)
  void request(main)
  try {
    for (;;) {
      const arrival = arrived.shift()
      if (arrival === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const { from, result } = arrival
      if (result.status === 'rejected') throw result.reason
      if (result.value.done !== true) {
        yield result.value.value
        void request(from)
      } else if (from === main) return
    }
  } finally {
    void beside.return()
    await main.return()
  }
}
