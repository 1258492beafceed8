import { describe, expect, test } from 'vitest'
import { readAhead } from '../../../connector/pipeline/gather-group.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))
const never = new Promise<never>(() => {})

/** Generates numbers; each waits until `release` is called. */
function slowNumbers(ends: { after: number; with?: Error } = { after: Number.POSITIVE_INFINITY }) {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  let closed = false
  async function* numbers(): AsyncGenerator<number, void> {
    try {
      for (let number = 1; number <= ends.after; number += 1) {
        asked.push(number)
        await new Promise<void>((resolve) => waiting.push(resolve))
        yield number
      }
      if (ends.with !== undefined) throw ends.with
    } finally {
      closed = true
    }
  }
  return { pages: readAhead(numbers()), asked, release: () => waiting.shift()?.(), isClosed: () => closed }
}

describe('reading ahead', () => {
  test('take and peek return undefined at the end, also repeatedly', async () => {
    const { pages, release } = slowNumbers({ after: 1 })
    release()
    expect(await pages.take()).toBe(1)
    expect(await pages.peek(never)).toBeUndefined()
    expect([await pages.take(), await pages.take()]).toEqual([undefined, undefined])
  })

  test('only take rejects when the generator throws, neither peek nor close', async () => {
    const { pages, release } = slowNumbers({ after: 1, with: new Error('no answer') })
    release()
    await pages.take()
    await settled()
    expect(await pages.peek(never)).toBeUndefined()
    await expect(pages.take()).rejects.toThrow('no answer')
    await expect(pages.close()).resolves.toBeUndefined()
  })
})
