import { expect, test } from 'vitest'
import { merged } from '../../../connector/runtime/merged.ts'

/** A generator whose items the test releases. */
function released<Item>() {
  const waiting: ((result: PromiseLike<IteratorResult<Item, void>> | IteratorResult<Item, void>) => void)[] = []
  let requests = 0
  let isReturned = false
  const next = () => {
    requests += 1
    return new Promise<IteratorResult<Item, void>>((resolve) => waiting.push(resolve))
  }
  const generator: AsyncGenerator<Item, void> = {
    next,
    return: async () => {
      isReturned = true
      return { done: true, value: undefined }
    },
    throw: next,
    [Symbol.asyncIterator]: () => generator,
    [Symbol.asyncDispose]: async () => {},
  }
  return {
    generator,
    requests: () => requests,
    isReturned: () => isReturned,
    item: (value: Item) => waiting.shift()?.({ done: false, value }),
    end: () => waiting.shift()?.({ done: true, value: undefined }),
    fail: (error: Error) => waiting.shift()?.(Promise.reject(error)),
  }
}

const both = () => {
  const main = released<string>()
  const beside = released<string>()
  return { main, beside, items: merged(main.generator, beside.generator) }
}

test('yields the items of both as they arrive', async () => {
  const { main, beside, items } = both()
  const first = items.next()
  beside.item('b1')
  expect(await first).toEqual({ done: false, value: 'b1' })
  const second = items.next()
  main.item('m1')
  expect(await second).toEqual({ done: false, value: 'm1' })
  const third = items.next()
  main.item('m2')
  expect(await third).toEqual({ done: false, value: 'm2' })
})

test('asks for the next item of a generator only when its last one was taken', async () => {
  const { main, items } = both()
  const first = items.next()
  main.item('m1')
  await first
  expect(main.requests()).toBe(1)
  void items.next()
  expect(main.requests()).toBe(2)
})

test('continues when the other generator ends, and ends as the main one does', async () => {
  const { main, beside, items } = both()
  const first = items.next()
  beside.end()
  main.item('m1')
  expect(await first).toEqual({ done: false, value: 'm1' })
  const last = items.next()
  main.end()
  expect(await last).toEqual({ done: true, value: undefined })
  expect(beside.isReturned()).toBe(true)
})

test.each(['main', 'beside'] as const)('rejects as the %s generator does', async (failing) => {
  const { items, ...generators } = both()
  const first = items.next()
  generators[failing].fail(new Error('broken'))
  await expect(first).rejects.toThrow('broken')
  expect(generators.main.isReturned()).toBe(true)
})
