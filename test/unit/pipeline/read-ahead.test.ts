import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readAhead } from '../../../connector/pipeline/gather-group.ts'

const never = new Promise<never>(() => {})

async function* onePage(error?: Error): AsyncGenerator<number, void> {
  yield 1
  if (error !== undefined) throw error
}

test('take and peek return undefined at the end, also repeatedly', async () => {
  const pages = readAhead(onePage())
  expect(await pages.take()).toBe(1)
  expect(await pages.peek(never)).toBeUndefined()
  expect([await pages.take(), await pages.take()]).toEqual([undefined, undefined])
})

test('only take rejects when the generator throws, neither peek nor close', async () => {
  const pages = readAhead(onePage(new Error('no answer')))
  await pages.take()
  await new Promise(setImmediate)
  expect(await pages.peek(never)).toBeUndefined()
  await expect(pages.take()).rejects.toThrow('no answer')
  await expect(pages.close()).resolves.toBeUndefined()
})

test('keeps no page in memory that was peeked at and taken, while the timeout is pending', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const pages = readAhead(largePages())
  expect(await pages.peek(never)).toBeDefined()
  const page = new WeakRef((await pages.take()) ?? {})
  await pages.take()
  await new Promise(setImmediate)
  collectGarbage()
  expect(page.deref()).toBeUndefined()
})

async function* largePages(): AsyncGenerator<object, void> {
  yield { clients: ['first'] }
  yield { clients: ['second'] }
}
