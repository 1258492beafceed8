import { expect, test } from 'vitest'
import { readAhead } from '../../../connector/pipeline/gather-group.ts'

const never = new Promise<never>(() => {})

async function* onePage(error?: Error): AsyncGenerator<number, void> {
  yield 1
  if (error !== undefined) throw error
}

test('take returns undefined at the end, also repeatedly, and nothing is next', async () => {
  const pages = readAhead(onePage())
  expect(await pages.take()).toBe(1)
  expect(await pages.isNextHere(never)).toBe(false)
  expect([await pages.take(), await pages.take()]).toEqual([undefined, undefined])
})

test('only take rejects when the generator throws, neither isNextHere nor close', async () => {
  const pages = readAhead(onePage(new Error('no answer')))
  await pages.take()
  await new Promise(setImmediate)
  expect(await pages.isNextHere(never)).toBe(false)
  await expect(pages.take()).rejects.toThrow('no answer')
  await expect(pages.close()).resolves.toBeUndefined()
})
